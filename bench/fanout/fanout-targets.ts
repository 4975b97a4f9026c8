import type { Target } from '../harness/report.js';
import { METRICAST, METRICAST_DASHBOARD, METRICAST_DEFLATE, METRICAST_EVENTS } from '../peers/metricast.js';
import { NATS } from '../peers/nats.js';
import { NCHAN } from '../peers/nchan.js';
import { FLOOR, FLOOR_TOGETHER, NEST_SSE, NEST_WS, WS_DEFLATE, WS_FRAMES_TOGETHER } from '../peers/node-peers.js';
import type { PeerKind } from '../peers/peer.js';
import { p99, perSecond, w1, w8 } from './figures.js';
import type { Rounds } from './rounds.js';

/** What was measured, and which servers the two tables of all show. */
export interface FanoutRounds {
  readonly webSockets: readonly PeerKind[];
  readonly streams: readonly PeerKind[];
  readonly all: Rounds;
  readonly dashboards: Rounds;
  readonly compressed: Rounds;
  readonly few: Rounds;
}

/** What is asked of all of it; without what was compared with a peer that was not here. */
export function fanoutTargets({ all, dashboards, compressed, few }: FanoutRounds): Target[] {
  return [
    ...gateTargets(all),
    ...peerTargets(all),
    ...streamTargets(all),
    ...dashboardTargets(dashboards),
    ...compressionTargets(compressed),
    {
      what: `${few.plan.connections} connections, w8, deliveries/s × \`ws\`, ready frames, together`,
      measured: few.ratio([METRICAST, perSecond], [WS_FRAMES_TOGETHER, perSecond]),
      atLeast: 0.9,
    },
  ].filter(({ measured }) => !Number.isNaN(measured));
}

/** What is asked of the fan-out itself, relative to what was measured in the same run. */
export function gateTargets(all: Rounds): Target[] {
  return [
    { what: 'w1 × Node floor', measured: all.ratio([METRICAST, w1], [FLOOR, w1]), atMost: 1.15 },
    { what: 'w8 × Node floor, together', measured: all.ratio([METRICAST, w8], [FLOOR_TOGETHER, w8]), atMost: 1.15 },
    { what: 'w8: Nest + platform-ws × ours', measured: all.ratio([NEST_WS, w8], [METRICAST, w8]), atLeast: 7 },
  ];
}

function peerTargets(all: Rounds): Target[] {
  return [
    { what: 'w1: × nchan', measured: all.ratio([METRICAST, w1], [NCHAN, w1]), atMost: 1.15 },
    { what: 'w8: nchan × ours', measured: all.ratio([NCHAN, w8], [METRICAST, w8]), atLeast: 3 },
    { what: 'w8: NATS × ours', measured: all.ratio([NATS, w8], [METRICAST, w8]), atLeast: 1.4 },
    { what: 'paced p99 × Node floor', measured: all.ratio([METRICAST, p99], [FLOOR, p99]), atMost: 1.15 },
    { what: 'user CPU, µs a delivery, w1', measured: all.userMicros(METRICAST, 1), atMost: 1.2 },
    { what: 'user CPU, µs a delivery, w8', measured: all.userMicros(METRICAST, 8), atMost: 0.35 },
  ];
}

function streamTargets(all: Rounds): Target[] {
  return [
    { what: 'SSE, w1 × Node floor', measured: all.ratio([METRICAST_EVENTS, w1], [FLOOR, w1]), atMost: 1.1 },
    {
      what: 'SSE, w8 × Node floor, together',
      measured: all.ratio([METRICAST_EVENTS, w8], [FLOOR_TOGETHER, w8]),
      atMost: 1.6,
    },
    { what: 'SSE, w1: Nest `@Sse` × ours', measured: all.ratio([NEST_SSE, w1], [METRICAST_EVENTS, w1]), atLeast: 4 },
    { what: 'SSE, w8: Nest `@Sse` × ours', measured: all.ratio([NEST_SSE, w8], [METRICAST_EVENTS, w8]), atLeast: 4 },
  ];
}

function dashboardTargets(dashboards: Rounds): Target[] {
  const times = (kind: PeerKind) => dashboards.ratio([kind, w8], [METRICAST_DASHBOARD, w8]);
  return [
    { what: 'dashboard, CPU µs a delivery', measured: dashboards.median(METRICAST_DASHBOARD, w8), atMost: 1 },
    { what: 'dashboard: Nest + platform-ws × ours', measured: times(NEST_WS), atLeast: 12 },
    { what: 'dashboard: nchan × ours', measured: times(NCHAN), atLeast: 5 },
  ];
}

function compressionTargets(compressed: Rounds): Target[] {
  return [
    {
      what: 'compressed, w1 × not compressed',
      measured: compressed.ratio([METRICAST_DEFLATE, w1], [METRICAST, w1]),
      atMost: 1.15,
    },
    {
      what: 'compressed, w1: `ws` × ours',
      measured: compressed.ratio([WS_DEFLATE, w1], [METRICAST_DEFLATE, w1]),
      atLeast: 15,
    },
  ];
}
