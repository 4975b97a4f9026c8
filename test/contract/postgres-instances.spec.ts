import pg from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../../src/persistence/migrations/index.js';
import type { TenantId } from '../../src/protocol/index.js';
import type { Write } from '../../src/store/index.js';
import { PostgresTransactor } from '../../src/store/postgres.transactor.js';
import { type PostgresDatabase, createPostgresDatabase } from '../support/postgres.js';
import { type Storage, newTenant, openStorage } from '../support/storage.js';

/** As instances of every version know it, so that old and new ones may start together. */
const MIGRATION_LOCK = 7_331_940_221;

let database: PostgresDatabase;
let instances: Storage[];
let tenant: TenantId;

beforeEach(async () => {
  database = await createPostgresDatabase();
  tenant = newTenant();
  instances = [];
});

afterEach(async () => {
  for (const instance of instances) await instance.close();
  await database.drop();
});

async function start(count: number): Promise<void> {
  instances.push(...(await Promise.all(Array.from({ length: count }, () => openStorage(database.url)))));
}

it('instances that start together on an empty database all come up', async () => {
  await start(5);
  expect(await instances[4]!.rows('SELECT name FROM metricast_migration')).toHaveLength(MIGRATIONS.length);
});

it('an instance waits for another one that migrates, for longer than a statement may take', async () => {
  const migrating = new pg.Client({ connectionString: database.url });
  await migrating.connect();
  await migrating.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
  const opened = openStorage(`${database.url}?statement_timeout=1000`);
  const oldest = `SELECT max(EXTRACT(EPOCH FROM now() - backend_start)) AS age FROM pg_stat_activity
                  WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()`;
  const age = async () => Number((await migrating.query<{ age: string | null }>(oldest)).rows[0]!.age);
  await vi.waitFor(async () => expect(await age()).toBeGreaterThan(1.5), { timeout: 10_000 });
  await migrating.end();

  instances.push(await opened);
  expect(await instances[0]!.rows('SELECT name FROM metricast_migration')).toHaveLength(MIGRATIONS.length);
});

it('a migration may take as long as it takes; what is done later may not', async () => {
  const owner = new pg.Client({ connectionString: database.url });
  await owner.connect();
  await owner.query(`
    CREATE TABLE seen (statement_timeout text);
    CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO seen VALUES (current_setting('statement_timeout')); END $$;
    CREATE EVENT TRIGGER see ON ddl_command_start EXECUTE FUNCTION see()`);
  await owner.end();
  await start(1);

  expect(await instances[0]!.rows('SELECT DISTINCT statement_timeout FROM seen')).toEqual([{ statement_timeout: '0' }]);
  expect(await instances[0]!.rows('SHOW statement_timeout')).toEqual([{ statement_timeout: '10s' }]);
});

it('an id that reaches two instances at once counts once', async () => {
  await start(2);
  const runs = Array.from({ length: 200 }, (_, index) => ({ skill_name: 's', completed: true, id: `${index}` }));
  await Promise.all(instances.map(({ skills }) => skills.record(tenant, runs)));

  const [skill] = await instances[0]!.rows('SELECT total_invocations FROM metricast_skill');
  expect(skill).toEqual({ total_invocations: '200' });
});

it('a series that two instances see first at once is one', async () => {
  await start(2);
  const values = Array.from({ length: 200 }, (_, index) => ({
    channel: 'c.metrics',
    name: `n${index % 50}`,
    type: 'gauge' as const,
    value: index,
  }));
  await Promise.all(instances.map(({ metrics }) => metrics.record(tenant, values)));

  const rows = await instances[0]!.rows(
    'SELECT series_id, COUNT(*) AS points FROM metricast_metric_point GROUP BY series_id',
  );
  expect(rows).toHaveLength(50);
  expect(rows.map(({ points }) => points)).toEqual(Array(50).fill('8'));
});

it('of two transactions that wait for each other the one that the server ends is repeated', async () => {
  await start(2);
  const [one, other] = instances.map(({ dataSource }) => new PostgresTransactor(dataSource)) as [
    PostgresTransactor,
    PostgresTransactor,
  ];
  const add = (skill: string) =>
    function* (): Write<void> {
      yield {
        into: 'metricast_skill_minute',
        columns: ['tenant_id', 'skill_name', 'minute', 'runs', 'completed'],
        rows: [[tenant, skill, 0, 1, 1]],
        onConflict: `ON CONFLICT (tenant_id, skill_name, minute) DO UPDATE
          SET runs = metricast_skill_minute.runs + excluded.runs`,
      };
    };
  // Each has its first row before it asks for the one that the other has.
  const meeting = new Meeting(2);
  const commit = (transactor: PostgresTransactor, first: string, second: string) =>
    transactor.commit([add(first), () => meeting.attend(transactor), add(second)]);
  await Promise.all([commit(one, 'a', 'b'), commit(other, 'b', 'a')]);

  const rows = await instances[0]!.rows('SELECT skill_name, runs FROM metricast_skill_minute ORDER BY skill_name');
  expect(rows).toEqual([
    { skill_name: 'a', runs: '2' },
    { skill_name: 'b', runs: '2' },
  ]);
  expect(meeting.attended).toBe(3);
});

it('writers of the same skills in any order lose nothing', async () => {
  await start(3);
  const skills = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const requests = instances.flatMap(({ skills: recorder }, instance) =>
    Array.from({ length: 60 }, (_, index) =>
      recorder.record(tenant, { skill_name: skills[(index * (instance + 1) * 7) % 20]!, completed: true }),
    ),
  );
  await Promise.all(requests);

  const [sum] = await instances[0]!.rows('SELECT SUM(total_invocations) AS runs FROM metricast_skill');
  expect(sum).toEqual({ runs: '180' });
});

/** A write that goes on when as many transactions as expected have come this far, each for the first time. */
class Meeting {
  attended = 0;
  readonly #seen = new Set<unknown>();

  constructor(private readonly expected: number) {}

  *attend(who: unknown): Write<void> {
    this.attended += 1;
    this.#seen.add(who);
    // A statement takes a round trip, in which the other transaction gets on.
    while (this.#seen.size < this.expected) yield { sql: 'SELECT pg_sleep(0.001)', values: [] };
  }
}
