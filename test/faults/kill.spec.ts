import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DATABASES, type DatabaseKind, type TestDatabase } from '../support/databases.js';
import { type Batch, Ledger, send } from '../support/ledger.js';
import { SeededRandom } from '../support/seeded-random.js';
import { ServerProcess } from '../support/server-process.js';
import { type Storage, openStorage } from '../support/storage.js';

const WRITERS = 8;
/** Between the first acknowledgement and the end of the server. */
const MAX_LIFE_MILLIS = 600;

let directory: string;
let database: TestDatabase;
let server: ServerProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'metricast-kill-'));
});

afterEach(async () => {
  await server?.stop();
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

it.each<[DatabaseKind, rounds: number]>([
  ['SQLite', 3],
  ['PostgreSQL', 2],
])(
  'with %s, whatever was acknowledged is there after kill -9, and what is repeated counts once',
  async (kind, rounds) => {
    const seed = Number(process.env['KILL_SEED'] ?? randomInt(2 ** 31));
    process.stdout.write(`kill -9 with ${kind}: KILL_SEED=${seed}\n`);
    const random = new SeededRandom(seed);
    database = await DATABASES[kind]();
    const ledger = new Ledger();

    for (let round = 0; round < rounds; round++) {
      await up();
      await writeUntilKilled(ledger, random);
      const before = await inspect();
      expectAcknowledged(ledger, before);
      expectConsistent(before);

      // Those who got no answer ask again, and so does somebody who has not kept the answer.
      await up();
      const repeated = [...ledger.unanswered, ...ledger.acknowledged.slice(-5)];
      for (const batch of repeated) expect(await send(url, batch)).toBe(true);
      ledger.acknowledged.push(...ledger.unanswered.splice(0));
      await kill();
      const after = await inspect();
      expect(after.ids.size).toBe(idsOf(ledger.acknowledged).length);
      expectAcknowledged(ledger, after);
      expectConsistent(after);
    }
  },
  60_000,
);

const url = (path: string) => server!.url(path);

async function up(): Promise<void> {
  server = await ServerProcess.up({ DATABASE_URL: database.url, LOG_LEVEL: 'fatal' }, directory);
}

async function kill(): Promise<void> {
  server!.kill('SIGKILL');
  expect(await server!.exited).toEqual({ code: null, signal: 'SIGKILL' });
}

async function writeUntilKilled(ledger: Ledger, random: SeededRandom): Promise<void> {
  const before = ledger.acknowledged.length;
  const writers = Array.from({ length: WRITERS }, () => ledger.write(url, random));
  await Promise.race([once(ledger, 'acknowledged'), ...writers]);
  await setTimeout(random.below(MAX_LIFE_MILLIS));
  await kill();
  await Promise.all(writers);
  process.stdout.write(
    `  ${ledger.acknowledged.length - before} requests acknowledged, ${ledger.unanswered.length} not\n`,
  );
}

/** What is stored, by id. */
interface Stored {
  readonly ids: ReadonlySet<unknown>;
  /** An id for each point and each run. */
  readonly points: readonly unknown[];
  readonly runs: readonly unknown[];
  /** By skill: runs, completed, timed and their seconds, as the totals have them, the minutes, and the runs. */
  readonly totals: unknown;
  readonly fromRuns: unknown;
  readonly minutes: unknown;
  readonly minutesFromRuns: unknown;
}

async function inspect(): Promise<Stored> {
  const isPostgres = database.url.startsWith('postgres');
  const storage = await openStorage(isPostgres ? `${database.url}?application_name=inspector` : database.url);
  try {
    // PostgreSQL may still be at what the server asked for with its last breath.
    const left = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'metricast'`;
    if (isPostgres) await vi.waitFor(async () => expect(await storage.rows(left)).toEqual([]), 5000);
    return await read(storage);
  } finally {
    await storage.close();
  }
}

async function read({ rows }: Storage): Promise<Stored> {
  const column = async (sql: string) => (await rows(sql)).map((row) => Object.values(row)[0]);
  const table = async (sql: string) =>
    (await rows(sql)).map((row) => Object.values(row).map((value) => (isNaN(Number(value)) ? value : Number(value))));
  const completed = 'SUM(CASE WHEN completed THEN 1 ELSE 0 END) AS completed';
  return {
    ids: new Set(await column('SELECT id FROM metricast_recorded_id')),
    points: await column(
      `SELECT name FROM metricast_metric_point point
       JOIN metricast_metric_series series ON series.series_id = point.series_id`,
    ),
    runs: await column('SELECT session_id FROM metricast_skill_invocation'),
    totals: await table(
      `SELECT skill_name, total_invocations, completed_invocations, total_duration_seconds, last_run_at
       FROM metricast_skill ORDER BY skill_name`,
    ),
    fromRuns: await table(
      `SELECT skill_name, COUNT(*), ${completed}, 
              SUM(CASE WHEN completed THEN duration_seconds ELSE 0 END) AS seconds, MAX(ran_at) AS last
       FROM metricast_skill_invocation GROUP BY skill_name ORDER BY skill_name`,
    ),
    minutes: await table(
      `SELECT skill_name, minute, runs, completed FROM metricast_skill_minute ORDER BY skill_name, minute`,
    ),
    minutesFromRuns: await table(
      `SELECT skill_name, ran_at - ran_at % 60000 AS minute, COUNT(*), ${completed}
       FROM metricast_skill_invocation GROUP BY skill_name, ran_at - ran_at % 60000 ORDER BY skill_name, 2`,
    ),
  };
}

function expectAcknowledged(ledger: Ledger, { ids }: Stored): void {
  expect(idsOf(ledger.acknowledged).filter((id) => !ids.has(id))).toEqual([]);
  // A request is stored as a whole or not at all.
  for (const { items } of ledger.unanswered) {
    expect([0, items.length]).toContain(items.filter(({ id }) => ids.has(id)).length);
  }
}

/** Every id is a point or a run, once; and the sums are those of the runs. */
function expectConsistent({ ids, points, runs, totals, fromRuns, minutes, minutesFromRuns }: Stored): void {
  expect(points.length + runs.length).toBe(ids.size);
  expect(new Set([...points, ...runs])).toEqual(ids);
  expect(totals).toEqual(fromRuns);
  expect(minutes).toEqual(minutesFromRuns);
}

function idsOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ items }) => items.map(({ id }) => id));
}
