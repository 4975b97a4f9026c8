import type { ServerProcess } from '../harness/measured-process.js';
import { RawWebSocket } from '../harness/raw-websocket.js';

/** Handshakes under way at once. */
const AT_ONCE = 50;
/** Connections opened and closed first, so that what they load and compile is not counted. */
const WARM_UP = 200;

/** A server under test, and what a client says to it, once. */
export interface Peer {
  readonly server: ServerProcess;
  readonly path: string;
  readonly message: unknown;
  /** What the server's answer to the message holds. */
  readonly answer: string;
}

export interface IdleRound {
  readonly connectsPerSecond: number;
  /** Of the server, in microseconds; the message and its answer included. */
  readonly cpuPerConnection: number;
  /** Bytes per connection, after garbage collection. */
  readonly heap: number;
  /** Buffers and the like, outside the heap. */
  readonly external: number;
  readonly resident: number;
}

/** What so many connections cost that have said one thing and are silent since. */
export async function measureIdle(peer: Peer, count: number): Promise<IdleRound> {
  const { server } = peer;
  const warmUp = await openAll(peer, WARM_UP);
  await tellAll(peer, warmUp);
  for (const socket of warmUp) await socket.end();

  const before = { memory: await server.ask<NodeJS.MemoryUsage>('memory'), cpu: server.cpuSeconds };
  const begin = performance.now();
  const sockets = await openAll(peer, count);
  const seconds = (performance.now() - begin) / 1000;
  await tellAll(peer, sockets);
  const cpu = server.cpuSeconds - before.cpu;
  const after = await server.ask<NodeJS.MemoryUsage>('memory');
  const each = (kind: keyof NodeJS.MemoryUsage) => (after[kind] - before.memory[kind]) / count;
  for (const socket of sockets) await socket.end();
  return {
    connectsPerSecond: count / seconds,
    cpuPerConnection: (cpu / count) * 1e6,
    heap: each('heapUsed'),
    external: each('external'),
    resident: each('rss'),
  };
}

async function openAll({ server: { port }, path }: Peer, count: number): Promise<RawWebSocket[]> {
  const sockets: RawWebSocket[] = [];
  let left = count;
  const openOn = async () => {
    while (left-- > 0) sockets.push(await RawWebSocket.open(port, path));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, openOn));
  return sockets;
}

async function tellAll({ message, answer }: Peer, sockets: readonly RawWebSocket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => socket.request(message, answer)));
}
