import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Bench, BenchContext } from '../harness/bench.js';
import { ServerProcess } from '../harness/measured-process.js';
import { median, percentile } from '../harness/statistics.js';
import { Questions, WINDOWS } from './questions.js';
import { DAY_MILLIS, type Day, POINTS_A_SERIES, record } from './seed.js';

const FEW_SERIES = 10;
const MINUTE_MILLIS = 60_000;

interface Store {
  readonly server: ServerProcess;
  readonly questions: Questions;
  readonly millis: number[];
}

/** A day of one series by the minute, out of few points and out of many. */
export const history: Bench = async (context) => {
  const { quick, say } = context;
  const [manySeries, blocks, asked] = quick ? [50, 3, 50] : [1000, 20, 100];
  // The last minute is still to come, by less than what a timestamp may be ahead.
  const begin = Math.ceil((Date.now() - DAY_MILLIS) / MINUTE_MILLIS) * MINUTE_MILLIS;
  const days: Day[] = [FEW_SERIES, manySeries].map((series) => ({ begin, series }));
  const stores: Store[] = [];
  try {
    for (const day of days) stores.push(await storeOf(context, day));
    for (let block = -1; block < blocks; block++) {
      for (const { questions, millis } of stores) {
        for (let index = 0; index < asked; index++) {
          const duration = await questions.ask((block + 1) * asked + index);
          // The first block warms up.
          if (block >= 0) millis.push(duration);
        }
      }
    }
  } finally {
    for (const { server, questions } of stores) {
      questions.end();
      await server.stop();
    }
  }
  const figures = stores.map(({ millis }, index) => ({
    points: days[index]!.series * POINTS_A_SERIES,
    p50: median(millis),
    p99: percentile(millis, 0.99),
    max: Math.max(...millis),
  }));
  const [few, many] = [figures[0]!, figures[1]!];
  for (const { points, p50, p99 } of figures)
    say(`${points} points: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
  const count = (value: number) => value.toLocaleString('en-US');
  return {
    name: 'history',
    title: 'A day of one series',
    method:
      `Gauges with a value each ${DAY_MILLIS / POINTS_A_SERIES / 1000} s for 24 hours, recorded in the order of time by the server’s own ` +
      `recorder: ${FEW_SERIES} series in one SQLite file, ${count(manySeries)} in another. A server on each is asked by REST for a day of ` +
      `one series by the minute, ${count(WINDOWS)} windows, one question after the other and another series each time; ` +
      `${asked} questions to the one, ${asked} to the other, ${blocks} times in turn. What is measured is the time until the whole answer is there.`,
    tables: [
      {
        title: 'Milliseconds to the whole answer, by points stored',
        columns: ['points stored', 'p50', 'p99', 'max'],
        rows: figures.map(({ points, p50, p99, max }) => [count(points), p50, p99, max]),
      },
    ],
    targets: [
      { what: `p99, ms, ${count(many.points)} points`, measured: many.p99, atMost: 20 },
      { what: `p50: ${count(many.points)} points × ${count(few.points)}`, measured: many.p50 / few.p50, atMost: 1.5 },
      { what: `p99: ${count(many.points)} points × ${count(few.points)}`, measured: many.p99 / few.p99, atMost: 1.5 },
    ],
    notes: [
      'PostgreSQL was not measured.',
      ...(quick ? [`Quick: ${count(many.points)} points instead of 10,000,000.`] : []),
    ],
    rounds: figures,
  };
};

async function storeOf(context: BenchContext, day: Day): Promise<Store> {
  const { dist, temporary, cores, say } = context;
  const path = join(temporary, `history-${day.series}.db`);
  const begin = performance.now();
  await seedInto(path, dist, day);
  say(`${day.series * POINTS_A_SERIES} points stored in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  const server = await ServerProcess.start(fileURLToPath(new URL('main.js', dist)), {
    core: cores?.server,
    env: { DATABASE_URL: `sqlite:${path}`, REST_RATE_LIMIT_PER_MINUTE: '0' },
  });
  return { server, questions: new Questions(server.port, day), millis: [] };
}

/** Records it without a server, in this process. */
async function seedInto(path: string, dist: URL, day: Day): Promise<void> {
  const { AppModule } = (await import(new URL('app.module.js', dist).href)) as typeof import('../../src/app.module.js');
  const { MetricsRecorder } = (await import(
    new URL('recording/index.js', dist).href
  )) as typeof import('../../src/recording/index.js');
  const module = AppModule.with({ database: `sqlite:${path}` });
  const app: INestApplicationContext = await NestFactory.createApplicationContext(module, {
    logger: ['error'],
    abortOnError: false,
  });
  await record(app, MetricsRecorder, day);
  await app.close();
}
