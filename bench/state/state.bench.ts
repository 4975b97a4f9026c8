import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../harness/bench.js';
import { loadInternals, openContext } from './internals.js';
import { cpuOf, stepsOf } from './query-path.js';
import { seed } from './seed.js';
import { cpuPerTick } from './ticks.js';

const FEW = 1000;

interface Cost {
  readonly what: string;
  /** In microseconds, with few runs stored and with many. */
  readonly few: number;
  readonly many: number;
}

/** The state of the skills with a short history and with a long one. */
export const state: Bench = async ({ quick, dist, temporary, cores, say }) => {
  const [many, blocks, calls, seconds] = quick ? [100_000, 5, 50, 3] : [1_000_000, 15, 200, 30];
  const internals = await loadInternals(dist);
  const paths = [FEW, many].map((count) => join(temporary, `${count}.db`));
  const contexts = [];
  for (const [index, count] of [FEW, many].entries()) {
    const context = await openContext(internals, paths[index]!);
    contexts.push(context);
    const begin = performance.now();
    await seed(context, internals, count);
    say(`${count} runs stored in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  }
  const costs: Cost[] = [];
  const [inFew, inMany] = contexts.map((context) => stepsOf(context, internals));
  for (const [index, { what }] of inFew!.entries()) {
    const [few, longer] = await cpuOf([inFew![index]!, inMany![index]!], blocks, calls);
    costs.push({ what, few: few!, many: longer! });
    say(`${what}: ${Math.round(few!)} and ${Math.round(longer!)} µs`);
  }
  for (const context of contexts) await context.close();

  const script = fileURLToPath(new URL('main.js', dist));
  const [few, longer] = await cpuPerTick(script, paths, seconds, { core: cores?.server });
  costs.push({ what: 'a whole tick of the running server', few: few!, many: longer! });

  const count = (runs: number) => runs.toLocaleString('en-US');
  const ratioOf = ({ few, many }: Cost) => many / few;
  return {
    name: 'state',
    title: 'The state of 10 skills',
    method:
      `Runs of 10 skills, evenly over the last 24 hours, recorded by the server’s own recorder: ${count(FEW)} in one database, ` +
      `${count(many)} in another. CPU time of the server’s own parts in one process, ${calls} calls with the one database, ` +
      `${calls} with the other, ${blocks} times in turn, medians; and CPU time of a tick of two servers that run at the same ` +
      `time, one with each database, with one subscriber to \`/ws/skills\` at ten ticks a second, for ${seconds} s.`,
    tables: [
      {
        title: 'CPU µs by runs stored',
        columns: ['', count(FEW), count(many), 'ratio'],
        rows: costs.map((cost) => [cost.what, cost.few, cost.many, ratioOf(cost)]),
      },
    ],
    targets: [costs[0]!, costs.at(-1)!].map((cost) => ({
      what: `${cost.what}: ${count(many)} runs × ${count(FEW)}`,
      measured: ratioOf(cost),
      atMost: 1.5,
    })),
    notes: [
      'A look sums two windows of the last day by the minute: it grows with the minutes that hold a run, at most 1,440 a skill.',
      'A tick looks only at skills that ran since the tick before, so in a tick without news there is none.',
      'PostgreSQL was not measured.',
      ...(quick ? [`Quick: ${count(many)} runs instead of 1,000,000.`] : []),
    ],
    rounds: costs,
  };
};
