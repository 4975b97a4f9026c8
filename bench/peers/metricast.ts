import { once } from 'node:events';
import { connect } from 'node:net';
import { clientFrame, post, streamOpening, webSocketOpening } from '../generator/wire.js';
import type { BenchContext } from '../harness/bench.js';
import type { ServerProcess } from '../harness/measured-process.js';
import { record, startMetricast } from '../harness/metricast-server.js';
import { channelName, points } from './message.js';
import type { Client, Peer, PeerKind } from './peer.js';

const ENV = {
  // All of them are one subject, which may not send that many messages a minute.
  RATE_LIMIT_MAX_MESSAGES_PER_MINUTE: '0',
  // The load generator answers no heartbeat.
  WS_HEARTBEAT_INTERVAL: '3600',
};
const PUBLISH_INSIDE = new URL('publish-inside.mjs', import.meta.url);
const PATH = '/ws/metrics';
const DASHBOARD_CHANNELS = 8;
const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };

/**
 * The server that this is about, as `npm start` starts it. What it sends is handed to its broker, as the states of a
 * tick are: like the other servers of this bench, it stores nothing first.
 */
export const METRICAST: PeerKind = {
  name: 'Metricast',
  start: (context) => metricast(context, 1, webSocketClient(1)),
};

/** The same server, where what is sent is posted to `/ingest/metrics`, and committed before it is sent. */
export const METRICAST_RECORDED: PeerKind = {
  name: 'Metricast, recorded first',
  async start(context) {
    const peer = await metricast(context, 1, webSocketClient(1));
    const { port } = peer.server;
    return {
      ...peer,
      publishing: (count) => ({ port, request: post('/ingest/metrics', points(count)), publications: count }),
    };
  },
};

/** Every connection is subscribed to eight channels, and what is published goes to each in turn. */
export const METRICAST_DASHBOARD: PeerKind = {
  name: 'Metricast, eight channels',
  start: (context) => metricast(context, DASHBOARD_CHANNELS, webSocketClient(DASHBOARD_CHANNELS)),
};

export const METRICAST_EVENTS: PeerKind = {
  name: 'Metricast, SSE',
  start: (context) =>
    metricast(context, 1, {
      opening: streamOpening(`/stream/metrics?dialect=channels&channels=${channelName(0)}`),
      answer: '"subscribed"',
    }),
};

export const METRICAST_DEFLATE: PeerKind = {
  name: 'Metricast, permessage-deflate',
  async start(context) {
    const client: Client = {
      ...webSocketClient(1),
      opening: webSocketOpening(PATH, OFFER),
      // The greeting, and the answer, which may be compressed.
      answer: { frames: 2 },
      counts: 'frames',
    };
    const peer = await metricast(context, 1, client, { WS_COMPRESSION: 'true' });
    if (await compresses(peer.server.port)) return peer;
    await peer.server.stop();
    return { skipped: 'this build negotiates no permessage-deflate' };
  },
};

async function metricast(
  context: BenchContext,
  channels: number,
  client: Client,
  env: Readonly<Record<string, string>> = {},
): Promise<Peer & { readonly server: ServerProcess }> {
  const server = await startMetricast(context, { ...ENV, BENCH_DIST: context.dist.href, ...env }, [PUBLISH_INSIDE]);
  // A channel comes into being with its first point.
  await record(server, 'metrics', points(channels, channels));
  const port = await server.ask<number>('publishingPort');
  const publishing: Peer['publishing'] = (count) => ({
    port,
    request: post('/publish', points(count, channels)),
    publications: count,
  });
  return { server, client, publishing };
}

function webSocketClient(channels: number): Client {
  const names = Array.from({ length: channels }, (_, index) => channelName(index));
  return {
    opening: webSocketOpening(PATH),
    subscribe: clientFrame({ type: 'subscribe', data: { channels: names } }),
    answer: '"subscribed"',
  };
}

/** Whether the server takes the offer to compress. */
async function compresses(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.write(webSocketOpening(PATH, OFFER));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.includes('permessage-deflate');
}
