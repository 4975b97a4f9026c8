import { Generator } from '../generator/generator.js';
import type { Bench } from '../harness/bench.js';
import { METRICAST } from '../peers/metricast.js';
import { FLOOR, FLOOR_TOGETHER, NEST_WS } from '../peers/node-peers.js';
import { costs, generatorNotes } from './fanout-report.js';
import { gateTargets } from './fanout-targets.js';
import { Rounds } from './rounds.js';

const KINDS = [FLOOR, FLOOR_TOGETHER, NEST_WS, METRICAST];
/** By how much a target may be missed: machines differ, and so do runs. */
const TOLERANCE = 0.1;

/** The fan-out beside as little as says whether a change made it slower; fails where a target is missed. */
export const gate: Bench = async (context) => {
  if (!Generator.isAvailable(context.temporary)) throw new Error('the load generator needs a C compiler, cc');
  const [rounds, seconds] = context.quick ? [2, 0.4] : [5, 4];
  const all = await Rounds.run(context, 'gate', KINDS, rounds, {
    connections: 1000,
    waves: [1, 8],
    seconds,
    warmUpSeconds: 0.3,
  });
  const [fault] = generatorNotes([all]);
  if (fault !== undefined) throw new Error(fault);
  return {
    name: 'gate',
    title: 'Fan-out, in short',
    method: 'The first table of the bench `fanout` with fewer servers and without latencies.',
    tables: [costs('WebSocket: CPU µs a delivery', KINDS, all)],
    targets: gateTargets(all),
    tolerance: TOLERANCE,
    notes: [],
    rounds: all.figures,
  };
};
