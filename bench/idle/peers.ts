import type { BenchContext } from '../harness/bench.js';
import type { ServerProcess } from '../harness/measured-process.js';
import { record, startMetricast } from '../harness/metricast-server.js';
import { startPeer } from '../harness/peer-server.js';
import { JWT_SECRET_KEY, signToken } from '../harness/token.js';

export const TENANT = 'acme';

const CHANNEL = 'quiet.metrics';
const POINT = { channel: CHANNEL, name: 'published', type: 'gauge', value: 1 };
const ENV = { JWT_SECRET_KEY };

/** A server that lets clients in by a token, and what a client says to it, once. */
export interface Peer {
  readonly what: string;
  readonly path: string;
  readonly message: unknown;
  start(context: BenchContext): Promise<ServerProcess>;
  /** Sends every client that has said it one message, which holds `published`. */
  publish(server: ServerProcess): Promise<void>;
}

export const PLAIN_WS: Peer = {
  what: 'plain ws',
  path: '/',
  message: { type: 'subscribe', data: { channels: [CHANNEL] } },
  start: (context) => startPeer(context, new URL('plain-ws.mjs', import.meta.url), ENV),
  publish: post,
};

export const NEST: Peer = {
  what: 'Nest gateway',
  path: '/',
  message: { event: 'subscribe', data: { channels: [CHANNEL] } },
  start: (context) => startPeer(context, new URL('nest-gateway.ts', import.meta.url), ENV),
  publish: post,
};

export const METRICAST: Peer = {
  what: 'Metricast',
  path: '/ws/metrics',
  message: { type: 'subscribe', data: { channels: [CHANNEL] } },
  async start(context) {
    const server = await startMetricast(context, ENV);
    // A channel comes into being with its first point.
    await this.publish(server);
    return server;
  },
  publish: (server) => record(server, 'metrics', [POINT], signToken('recorder', TENANT, ['ingest'])),
};

async function post({ port }: ServerProcess): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: JSON.stringify(POINT) });
  if (!answer.ok) throw new Error(`the peer answered ${answer.status}`);
}
