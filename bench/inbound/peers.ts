import type { BenchContext } from '../harness/bench.js';
import type { ServerProcess } from '../harness/measured-process.js';
import { startMetricast } from '../harness/metricast-server.js';
import { startPeer } from '../harness/peer-server.js';

/** A server that answers pings. */
export interface Peer {
  readonly what: string;
  readonly path: string;
  readonly ping: object;
  start(context: BenchContext): Promise<ServerProcess>;
}

export const PLAIN_WS: Peer = {
  what: 'plain ws',
  path: '/',
  ping: { type: 'ping' },
  start: (context) => startPeer(context, new URL('plain-ws.mjs', import.meta.url)),
};

export const NEST: Peer = {
  what: 'Nest gateway',
  path: '/',
  ping: { event: 'ping' },
  start: (context) => startPeer(context, new URL('nest-gateway.ts', import.meta.url)),
};

export const METRICAST: Peer = {
  what: 'Metricast',
  path: '/ws/metrics',
  ping: { type: 'ping' },
  // All of them are one subject, which may not send that many messages a minute.
  start: (context) => startMetricast(context, { RATE_LIMIT_MAX_MESSAGES_PER_MINUTE: '0' }),
};
