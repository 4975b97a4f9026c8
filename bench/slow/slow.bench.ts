import { Generator, type Paced } from '../generator/generator.js';
import type { Bench, BenchContext } from '../harness/bench.js';
import { KINDS, type Step, measureNeverReading } from './never-reading.js';
import { Readers } from './slow-reader.js';
import { skippedReport, slowReport } from './slow-report.js';

/** By the name of the server. */
export type NeverReadingRound = ReadonlyMap<string, readonly Step[]>;

export interface SlowReaderRound {
  readonly without: Paced;
  readonly with: Paced;
  readonly isCut: boolean;
}

/** What those cost who do not read, or read slowly, and what the others notice of them. */
export const slow: Bench = async (context) => {
  if (!Generator.isAvailable(context.temporary)) return skippedReport();
  const [rounds, pacedRounds, seconds] = context.quick ? [1, 2, 2] : [5, 5, 5];
  const neverReading: NeverReadingRound[] = [];
  for (let round = 1; round <= rounds; round++) {
    const measured = new Map<string, readonly Step[]>();
    for (const kind of KINDS) measured.set(kind[0].name, await measureNeverReading(context, kind));
    neverReading.push(measured);
    const last = [...measured].map(([name, steps]) => `${name} ${Math.round(steps.at(-1)!.resident / 1024)} KiB`);
    context.say(`round ${round} of ${rounds}: each that never reads costs ${last.join(', ')}`);
  }
  return slowReport(neverReading, await measureSlowReader(context, pacedRounds, seconds), seconds);
};

async function measureSlowReader(context: BenchContext, rounds: number, seconds: number): Promise<SlowReaderRound[]> {
  const without = await Readers.open(context, false);
  const withSlow = await Readers.open(context, true);
  try {
    for (const readers of [without, withSlow]) await readers.fallBehind();
    const measured: SlowReaderRound[] = [];
    for (let round = 1; round <= rounds; round++) {
      const alone = await without.paced(seconds);
      const beside = await withSlow.paced(seconds);
      measured.push({ without: alone, with: beside, isCut: await withSlow.isCut() });
      context.say(
        `round ${round} of ${rounds}: p99 ${alone.p99.toFixed(1)} ms, beside a slow reader ${beside.p99.toFixed(1)} ms`,
      );
    }
    return measured;
  } finally {
    for (const readers of [without, withSlow]) await readers.end();
  }
}
