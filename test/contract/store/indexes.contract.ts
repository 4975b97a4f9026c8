import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { ALL_FEATURES, NO_FILTER, type TenantId } from '../../../src/protocol/index.js';
import { type Row, type SqlValue } from '../../../src/store/index.js';
import { channelName, filterOf } from '../../support/publications.js';
import { type Storage, newTenant } from '../../support/storage.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** No query reads a whole table: each finds its rows by an index, however much is stored. */
export function indexesContract(storage: () => Storage): void {
  let tenant: TenantId;
  let asked: Query[];

  beforeAll(async () => {
    // Enough that a planner would rather use an index, and of several tenants.
    tenant = newTenant();
    for (const one of [tenant, newTenant(), newTenant()]) {
      await storage().skills.record(one, manyRuns());
      await storage().metrics.record(one, manyMetrics());
      await storage().rows(
        `INSERT INTO metricast_skill_anomaly
           (tenant_id, skill_name, anomaly_type, deviation_score, detected_at, resolved_at)
         SELECT tenant_id, skill_name, 'drop', -2, ran_at, ran_at + 1 FROM metricast_skill_invocation
         WHERE tenant_id = $1`,
        [one],
      );
    }
    await storage().rows('ANALYZE');
  });

  beforeEach(() => {
    asked = [];
    const { logger } = storage().dataSource;
    vi.spyOn(logger, 'logQuery').mockImplementation((sql, parameters) => {
      asked.push({ sql, values: (parameters ?? []) as SqlValue[] });
    });
    storage().transactor.statements.length = 0;
  });

  afterEach(() => vi.restoreAllMocks());

  /** The plans of everything that was read and updated since the test began. */
  const plans = async () => {
    const written = storage().transactor.statements.flatMap((statement) => ('sql' in statement ? [statement] : []));
    const queries = [...asked, ...written];
    expect(queries).not.toEqual([]);
    return Promise.all(queries.map((query) => planOf(storage(), query)));
  };

  it('the top ten come from the index in their order', async () => {
    const { feed, detector } = storage();
    await detector.look(tenant);
    asked.length = 0;
    await feed.collect({ tenant, filter: NO_FILTER, features: ALL_FEATURES, timestamp: Date.now() });
    const [topTen, ...others] = await plans();

    expectIndexed([topTen!, ...others]);
    expect(topTen).toContain('metricast_skill_top');
    expect(topTen).not.toMatch(/sort|temp b-tree/i);
  });

  it('the state of the skills that are asked for', async () => {
    await storage().feed.collect({
      tenant,
      filter: filterOf({ skill_name: ['s1', 's2', 'never ran'] }),
      features: ALL_FEATURES,
      timestamp: Date.now(),
    });
    expectIndexed(await plans());
  });

  it('the windows of a skill', async () => {
    const now = Date.now();
    await storage().windows.runs(tenant, 's1', now - 24 * HOUR, now - HOUR);
    expectIndexed(await plans());
  });

  it('an anomaly that opens and is resolved', async () => {
    const { skills, detector } = storage();
    const ran = (ago: number, completed: boolean, count: number) =>
      skills.record(
        tenant,
        Array.from({ length: count }, () => ({ skill_name: 'x', completed, timestamp: (Date.now() - ago) / 1000 })),
      );
    await ran(2 * HOUR, true, 5);
    await ran(MINUTE, false, 2);
    await detector.look(tenant);
    await ran(MINUTE, true, 50);
    await detector.look(tenant);

    expect(storage().transactor.statements).toContainEqual(
      expect.objectContaining({ sql: expect.stringContaining('SET resolved_at') as string }),
    );
    const all = await plans();
    expectIndexed(all);
    const ofOpenOnes = all.filter((plan) => /resolved_at"? IS NULL/.test(plan));
    expect(ofOpenOnes).not.toEqual([]);
    for (const plan of ofOpenOnes) expect(plan).toContain('metricast_skill_anomaly_open');
  });

  it('the skills that ran within a day', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    storage().detector.onApplicationBootstrap();
    await vi.advanceTimersByTimeAsync(MINUTE);
    vi.useRealTimers();
    const ofAll = () => asked.filter(({ sql }) => sql.includes('"last_run_at" >'));
    await vi.waitFor(() => expect(ofAll()).toHaveLength(1));
    storage().detector.onModuleDestroy();
    asked = ofAll();

    expectIndexed(await plans());
  });

  it('whether a channel exists', async () => {
    const directory = storage().newDirectory();
    expect((await directory.existing(tenant, [channelName('c7.metrics')])).size).toBe(1);
    expectIndexed(await plans());
  });

  it('the series of values that are recorded', async () => {
    await storage().metrics.record(tenant, { channel: 'c1.metrics', name: 'fresh', type: 'gauge', value: 1 });
    expectIndexed(await plans());
  });
}

interface Query {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** Most of them long ago, as in a database that is in use. */
function manyRuns() {
  return Array.from({ length: 5000 }, (_, index) => ({
    skill_name: `s${index % 200}`,
    completed: index % 3 > 0,
    timestamp: (Date.now() - index * HOUR) / 1000,
  }));
}

function manyMetrics() {
  return Array.from({ length: 2000 }, (_, index) => ({
    channel: `c${index % 40}.metrics`,
    name: `n${index % 400}`,
    type: 'gauge' as const,
    value: index,
  }));
}

async function planOf(storage: Storage, { sql, values }: Query): Promise<string> {
  const { dataSource } = storage;
  if (dataSource.options.type !== 'postgres') {
    const rows = await storage.rows(`EXPLAIN QUERY PLAN ${sql}`, values);
    return [sql, ...rows.map(({ detail }) => detail)].join('\n');
  }
  return dataSource.transaction(async (manager) => {
    // However few rows there are: what has an index that serves uses it.
    await manager.query('SET LOCAL enable_seqscan = off');
    await manager.query('SET LOCAL enable_bitmapscan = off');
    const rows: Row[] = await manager.query(`EXPLAIN ${sql}`, [...values]);
    return [sql, ...rows.map((row) => row['QUERY PLAN'])].join('\n');
  });
}

function expectIndexed(plans: readonly string[]): void {
  for (const plan of plans) {
    expect(plan).toMatch(/Index Cond|SEARCH/);
    // `dummy_table` is one row that TypeORM selects from to ask whether something exists.
    expect(plan).not.toMatch(/Seq Scan|SCAN (?!dummy_table|CONSTANT ROW)/);
  }
}
