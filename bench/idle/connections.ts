import type { ServerProcess } from '../harness/measured-process.js';
import { RawWebSocket } from '../harness/raw-websocket.js';
import { signToken } from '../harness/token.js';
import { openWindow } from '../harness/window.js';
import { type Peer, TENANT } from './peers.js';

/** Handshakes under way at once. */
const AT_ONCE = 50;
/** Connections opened and closed first, so that what they load and compile is not counted. */
const WARM_UP = 200;

export interface IdleRound {
  readonly connectsPerSecond: number;
  /** Of the server, in microseconds. */
  readonly cpuPerConnect: number;
  /** Of the server, in microseconds: the message and its answer. */
  readonly cpuPerSubscribe: number;
  /** While connecting. */
  readonly generatorBusy: number;
  /** Bytes per connection, after garbage collection. */
  readonly heap: number;
  /** Buffers and the like, outside the heap. */
  readonly external: number;
  readonly resident: number;
}

/** Wraps what is to be profiled. */
export type Connect = (open: () => Promise<RawWebSocket[]>) => Promise<RawWebSocket[]>;

/** What so many connections cost that have said one thing, been sent one message and are silent since. */
export async function measureIdle(
  server: ServerProcess,
  peer: Peer,
  count: number,
  connect: Connect = (open) => open(),
): Promise<IdleRound> {
  const warmUp = await openAll(server, peer, tokensOf('early', WARM_UP));
  await tellAll(server, peer, warmUp);
  await endAll(warmUp);

  const tokens = tokensOf('client', count);
  const before = await server.ask<NodeJS.MemoryUsage>('memory');
  const closeConnecting = openWindow(server);
  const sockets = await connect(() => openAll(server, peer, tokens));
  const connecting = closeConnecting();
  const closeTelling = openWindow(server);
  await tellAll(server, peer, sockets);
  const telling = closeTelling();
  const after = await server.ask<NodeJS.MemoryUsage>('memory');
  const each = (kind: keyof NodeJS.MemoryUsage) => (after[kind] - before[kind]) / count;
  await endAll(sockets);
  return {
    connectsPerSecond: count / connecting.seconds,
    cpuPerConnect: (connecting.cpu / count) * 1e6,
    cpuPerSubscribe: (telling.cpu / count) * 1e6,
    generatorBusy: connecting.generatorBusy,
    heap: each('heapUsed'),
    external: each('external'),
    resident: each('rss'),
  };
}

/** Each client is somebody else. */
function tokensOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => signToken(`${name}-${index}`, TENANT));
}

async function openAll({ port }: ServerProcess, { path }: Peer, tokens: string[]): Promise<RawWebSocket[]> {
  const left = [...tokens];
  const sockets: RawWebSocket[] = [];
  const openOn = async () => {
    for (let token = left.pop(); token !== undefined; token = left.pop()) {
      sockets.push(await RawWebSocket.open(port, path, token));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, openOn));
  return sockets;
}

async function tellAll(server: ServerProcess, peer: Peer, sockets: readonly RawWebSocket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => socket.request(peer.message, '"subscribed"')));
  const sent = sockets.map((socket) => socket.expect('"published"'));
  await peer.publish(server);
  await Promise.all(sent);
}

async function endAll(sockets: readonly RawWebSocket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => socket.end()));
}
