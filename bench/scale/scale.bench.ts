import { Generator } from '../generator/generator.js';
import type { Bench, BenchContext } from '../harness/bench.js';
import { METRICAST } from '../peers/metricast.js';
import { messages } from '../peers/message.js';
import { FLOOR } from '../peers/node-peers.js';
import { Crowd, type SecondsRound, type WavesRound, ownFilters } from './crowd.js';
import { encodingMicros } from './encoding.js';
import { FEW, MANY, scaleReport, skippedReport } from './scale-report.js';

/** One round, of each server with its connections. */
export interface ScaleRound {
  readonly floor: { readonly few: WavesRound; readonly many: WavesRound; readonly everySecond: SecondsRound };
  readonly metricast: {
    readonly few: WavesRound;
    readonly many: WavesRound;
    /** As many as are few, each an audience of its own. */
    readonly apart: WavesRound;
    readonly everySecond: SecondsRound;
  };
}

/** Whether a delivery costs the same however many connections there are, and however little they share. */
export const scale: Bench = async (context) => {
  if (!Generator.isAvailable(context.temporary)) return skippedReport();
  const [rounds, seconds, everySecond] = context.quick ? [2, 1, 3] : [5, 2, 6];
  const crowds = await gather(context);
  const { floorFew, floorMany, few, many, apart } = crowds;
  try {
    // What is compiled while it runs for the first time is not counted.
    for (const crowd of Object.values(crowds)) await crowd.waves(1);
    const measured: ScaleRound[] = [];
    for (let round = 1; round <= rounds; round++) {
      const result: ScaleRound = {
        floor: {
          few: await floorFew.waves(seconds),
          many: await floorMany.waves(seconds),
          everySecond: await floorMany.everySecond(everySecond),
        },
        metricast: {
          few: await few.waves(seconds),
          many: await many.waves(seconds),
          apart: await apart.waves(seconds),
          everySecond: await many.everySecond(everySecond),
        },
      };
      measured.push(result);
      const cost = ({ cpuPerDelivery }: WavesRound) => cpuPerDelivery.toFixed(2);
      context.say(
        `round ${round} of ${rounds}: µs a delivery to ${FEW} ${cost(result.metricast.few)}, ` +
          `to ${MANY} ${cost(result.metricast.many)}, to ${FEW} apart ${cost(result.metricast.apart)}`,
      );
    }
    return scaleReport(measured, { encoding: encodingMicros(messages(1)[0]!), seconds, everySecond });
  } finally {
    for (const crowd of Object.values(crowds)) await crowd.end();
  }
};

/** Each has a server and a load generator of its own. */
async function gather(context: BenchContext) {
  const crowds = {
    floorFew: await Crowd.gather(context, FLOOR, FEW),
    floorMany: await Crowd.gather(context, FLOOR, MANY),
    few: await Crowd.gather(context, METRICAST, FEW),
    many: await Crowd.gather(context, METRICAST, MANY),
    apart: await Crowd.gather(context, METRICAST, FEW, { subscribe: ownFilters(FEW) }),
  };
  context.say('all connections are open');
  return crowds;
}
