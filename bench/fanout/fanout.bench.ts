import { Generator } from '../generator/generator.js';
import type { Bench } from '../harness/bench.js';
import {
  METRICAST,
  METRICAST_DASHBOARD,
  METRICAST_DEFLATE,
  METRICAST_EVENTS,
  METRICAST_RECORDED,
} from '../peers/metricast.js';
import { MOSQUITTO } from '../peers/mosquitto.js';
import { NATS } from '../peers/nats.js';
import { NCHAN, NCHAN_EVENTS } from '../peers/nchan.js';
import {
  FLOOR,
  FLOOR_TOGETHER,
  NEST_SOCKET_IO,
  NEST_SSE,
  NEST_WS,
  SOCKET_IO_SERVER,
  SSE_FLOOR,
  SSE_FLOOR_TOGETHER,
  WS_BUFFERS,
  WS_DEFLATE,
  WS_FRAMES,
  WS_FRAMES_TOGETHER,
  WS_TEXTS,
} from '../peers/node-peers.js';
import { METHOD, fanoutReport } from './fanout-report.js';
import { Rounds } from './rounds.js';
import type { Plan } from './visit.js';

const WEBSOCKETS = [
  FLOOR,
  FLOOR_TOGETHER,
  WS_FRAMES,
  WS_FRAMES_TOGETHER,
  WS_BUFFERS,
  WS_TEXTS,
  NCHAN,
  NATS,
  MOSQUITTO,
  SOCKET_IO_SERVER,
  NEST_SOCKET_IO,
  NEST_WS,
  METRICAST,
  METRICAST_RECORDED,
];
const STREAMS = [SSE_FLOOR, SSE_FLOOR_TOGETHER, NCHAN_EVENTS, NEST_SSE, METRICAST_EVENTS];
/** Enough to see that everything works. */
const QUICK = [FLOOR, FLOOR_TOGETHER, NCHAN, NATS, NEST_WS, METRICAST, SSE_FLOOR_TOGETHER, METRICAST_EVENTS];
const MANY = 1000;
const FEW = 10;

/** What it costs to send one message to many, beside other servers. */
export const fanout: Bench = async (context) => {
  if (!Generator.isAvailable(context.temporary)) return SKIPPED;
  const rounds = context.quick ? 2 : 5;
  const plan: Plan = {
    connections: MANY,
    waves: [1, 8],
    ...(context.quick
      ? { seconds: 0.4, warmUpSeconds: 0.2, pacedSeconds: 0.6 }
      : { seconds: 1, warmUpSeconds: 0.3, pacedSeconds: 2 }),
  };
  const { pacedSeconds: _, ...unpaced } = plan;
  const all = await Rounds.run(context, 'all', context.quick ? QUICK : [...WEBSOCKETS, ...STREAMS], rounds, plan);
  const dashboards = await Rounds.run(context, 'dashboards', [METRICAST_DASHBOARD, NCHAN, NEST_WS], rounds, {
    ...unpaced,
    waves: [8],
  });
  const compressed = await Rounds.run(context, 'compression', [METRICAST, METRICAST_DEFLATE, WS_DEFLATE], rounds, {
    ...unpaced,
    waves: [1],
  });
  const few = await Rounds.run(context, 'few', [WS_FRAMES_TOGETHER, NEST_WS, METRICAST, METRICAST_RECORDED], rounds, {
    ...unpaced,
    connections: FEW,
    waves: [8],
  });
  return fanoutReport({ webSockets: WEBSOCKETS, streams: STREAMS, all, dashboards, compressed, few });
};

const SKIPPED: Awaited<ReturnType<Bench>> = {
  name: 'fanout',
  title: 'Fan-out',
  method: METHOD,
  tables: [],
  targets: [],
  notes: ['Skipped: the load generator is written in C, and there is no compiler here (`cc`).'],
  rounds: [],
};
