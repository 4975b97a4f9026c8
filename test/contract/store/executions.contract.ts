import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TotalsScope } from '../../../src/feeds/executions/execution-totals.js';
import type { ExecutionInput } from '../../../src/feeds/executions/index.js';
import type { TenantId } from '../../../src/protocol/index.js';
import { Published, storedEvents } from '../../support/published.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';
import { ModelExecutions } from './executions.model.js';

const NOW = Math.floor(Date.now() / 1000);
const TABLES = ['execution', 'execution_total', 'execution_runtime', 'event'] as const;

/** Whatever is sent in whatever order, an execution starts once and ends once, and the totals say what they all say. */
export function executionsContract(storage: () => Storage, another: () => Promise<Storage>): void {
  it('executions, events, totals and runtimes agree with a count by hand, and no tenant gets another’s', async () => {
    const published = new Published(storage());
    const property = fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
      const tenants = [newTenant(), newTenant()];
      const models = tenants.map(() => new ModelExecutions());
      for (const { tenant, items } of requests) for (const item of items) models[tenant]!.take(item);

      const results = await Promise.all(
        requests.map(({ tenant, items }) => storage().executions.record(tenants[tenant]!, items)),
      );

      expect(results.map(({ accepted }) => accepted)).toEqual(requests.map(({ items }) => items.length));
      for (const [index, tenant] of tenants.entries()) {
        await expectAsIn(models[index]!, storage(), tenant);
        expect(published.events(tenant)).toEqual(models[index]!.events);
      }
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('a request that is repeated is accepted, and counts and publishes nothing again', async () => {
    const tenant = newTenant();
    const published = new Published(storage());
    const items = [...started(50), ...ended(50)];
    const results = [
      await storage().executions.record(tenant, items),
      await storage().executions.record(tenant, items.toReversed()),
    ];

    expect(results.map(({ accepted }) => accepted)).toEqual([100, 100]);
    expect(await storage().executionTotals.totals(tenant, '')).toMatchObject({ total: 50, successful: 50 });
    expect(published.of(tenant)).toHaveLength(100);
    expect(await storedEvents(storage(), tenant)).toHaveLength(100);
  });

  it('a request that fails leaves nothing, and can be sent again', async () => {
    const { dataSource, executions, executionTotals } = storage();
    const published = new Published(storage());
    const items = [...started(3), ...ended(3)];
    for (const table of TABLES) {
      const tenant = newTenant();
      await dataSource.query(`ALTER TABLE metricast_${table} RENAME TO hidden`);
      await expect(executions.record(tenant, items)).rejects.toMatchObject({ code: 'busy' });
      await dataSource.query(`ALTER TABLE hidden RENAME TO metricast_${table}`);

      for (const one of TABLES) {
        expect(await storage().rows(`SELECT 1 FROM metricast_${one} WHERE tenant_id = $1`, [tenant])).toEqual([]);
      }
      expect(published.of(tenant)).toEqual([]);
      await executions.record(tenant, items);
      expect(await executionTotals.totals(tenant, '')).toMatchObject({ total: 3, successful: 3 });
      expect(published.of(tenant)).toHaveLength(6);
    }
  });

  it('an execution of which two instances are told counts once, and each of its events is published once', async () => {
    const tenant = newTenant();
    const instances = [storage(), await another()];
    const published = instances.map((instance) => new Published(instance));
    const items = [...started(100), ...ended(100)];
    const requests = instances.flatMap(({ executions }, instance) =>
      Array.from({ length: 20 }, (_, part) => {
        const own = items.filter((_item, index) => index % 20 === part);
        return executions.record(tenant, instance === 0 ? own : own.toReversed());
      }),
    );
    await Promise.all(requests);

    const totals = await storage().executionTotals.totals(tenant, '');
    expect([totals.total, totals.successful]).toEqual([100, 100]);
    const runs = published
      .flatMap((each) => each.events(tenant) as { type: string; data: { run_id: string } }[])
      .filter(({ type }) => type === 'execution_completed')
      .map(({ data }) => data.run_id);
    expect(runs.sort()).toEqual(
      started(100)
        .map(({ run_id }) => run_id)
        .sort(),
    );
    await instances[1]!.close();
  });

  it('takes 10,000 items of 5,000 executions at once, in any order', async () => {
    const tenant = newTenant();
    const ends = ended(5000);
    const items = started(5000).flatMap((start, index) => [
      { ...start, tool_id: `t${index}`, session_id: `s${index % 10}` },
      ends[index]!,
    ]);
    await storage().executions.record(tenant, items);

    const all = { total: 5000, successful: 5000, failed: 0, timed: 5000, runtime: 5000 * 2, credits: 5000 * 0.5 };
    expect(await storage().executionTotals.totals(tenant, 'agent')).toEqual(all);
    expect(await storage().executionTotals.totals(tenant, '', { sessionIds: ['s3'] })).toMatchObject({ total: 500 });
  });

  it('executions of any length and any price that is allowed can be summed', async () => {
    const tenant = newTenant();
    const items = ended(1000).map((item) => ({ ...item, runtime_seconds: 1e9, credits_consumed: 1e12 }));
    const { rejected } = await storage().executions.record(tenant, [
      ...items,
      { ...items[0]!, runtime_seconds: 1.1e9 },
      { ...items[0]!, credits_consumed: 1.1e12 },
    ]);

    expect(rejected.map(({ index, field }) => [index, field])).toEqual([
      [1000, 'runtime_seconds'],
      [1001, 'credits_consumed'],
    ]);
    expect(await storage().executionTotals.totals(tenant, '')).toMatchObject({ runtime: 1e12, credits: 1e15 });
  });

  it('of no tools and no sessions, and of an empty name, there is nothing', async () => {
    const tenant = newTenant();
    await storage().executions.record(tenant, started(2));
    const totalOf = async (scope: object) => (await storage().executionTotals.totals(tenant, '', scope)).total;

    expect(await totalOf({})).toBe(2);
    expect(await totalOf({ toolIds: [] })).toBe(0);
    expect(await totalOf({ toolIds: [''], sessionIds: [''] })).toBe(0);
  });

  it('totals are read by the key of their rows', async () => {
    const tenant = newTenant();
    await storage().executions.record(tenant, [{ ...started(1)[0]!, tool_id: 't', session_id: 's' }]);
    const plans = await plansOf(storage(), async () => {
      await storage().executionTotals.totals(tenant, 'workflow');
      await storage().executionTotals.totals(tenant, '', { toolIds: ['t', 'u'], sessionIds: ['s'] });
    });

    expect(plans).toHaveLength(2);
    expectIndexed(plans);
  });
}

/** Starts of so many executions, `run 0` and on. */
function started(count: number): ExecutionInput[] {
  return Array.from({ length: count }, (_, index) => ({
    run_id: `run ${index}`,
    agent_id: `agent ${index % 7}`,
    status: 'started',
    timestamp: NOW - 2,
  }));
}

/** Their ends, two seconds later. */
function ended(count: number): ExecutionInput[] {
  return started(count).map((start) => ({ ...start, status: 'completed', timestamp: NOW, credits_consumed: 0.5 }));
}

/** Few of everything, so that they meet; times and credits whose sums are exact in any order. */
const item: fc.Arbitrary<ExecutionInput> = fc.record({
  run_id: fc.constantFrom('1', '2', '3', '4', 'R', 'r', 'ünï "q" \'s\' \\'),
  agent_id: fc.constantFrom('a1', 'a2'),
  user_id: fc.constantFrom('u1', 'u2', undefined),
  status: fc.constantFrom('started', 'completed', 'failed'),
  success: fc.constantFrom(true, false, undefined),
  runtime_seconds: fc.oneof(
    fc.constant(undefined),
    fc.constantFrom(0, 1e9),
    fc.nat(40_000).map((quarters) => quarters / 4),
  ),
  credits_consumed: fc.option(
    fc.nat(40_000).map((quarters) => quarters / 4),
    { nil: undefined },
  ),
  kind: fc.constantFrom('workflow', 'agent', undefined),
  tool_id: fc.constantFrom('t1', 't2', undefined),
  session_id: fc.constantFrom('s1', 's2', undefined),
  timestamp: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(0, NOW - 86_400) },
    { weight: 4, arbitrary: fc.nat(800).map((quarters) => NOW - 100 + quarters / 4) },
  ),
  // An id that came before hides its item, whatever that is.
  id: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('1', '2', '3') },
  ),
});

const request = fc.record({ tenant: fc.nat(1), items: fc.array(item, { minLength: 1, maxLength: 15 }) });

const SCOPES: readonly TotalsScope[] = [
  {},
  { toolIds: ['t1'] },
  { sessionIds: ['s1', 's2'] },
  { toolIds: ['t1', 't2', 'never'], sessionIds: ['s2'] },
];

async function expectAsIn(model: ModelExecutions, storage: Storage, tenant: TenantId): Promise<void> {
  expect(await storedRuns(storage, tenant)).toEqual(new Map(model.runs));
  expect(await storedEvents(storage, tenant)).toEqual(model.events);
  for (const kind of ['', 'workflow', 'agent'] as const) {
    for (const scope of SCOPES) {
      const totals = await storage.executionTotals.totals(tenant, kind, scope);
      expect(totals).toEqual(model.totals(kind, scope.toolIds, scope.sessionIds));
    }
    expect(await storedBins(storage, tenant, kind)).toEqual(model.bins(kind));
  }
}

async function storedRuns(storage: Storage, tenant: string): Promise<Map<unknown, unknown>> {
  const rows = await storage.rows(
    `SELECT run_id, agent_id, user_id, kind, tool_id, session_id, status, started_at, completed_at, success,
       runtime_seconds, credits_consumed
     FROM metricast_execution WHERE tenant_id = $1`,
    [tenant],
  );
  return new Map(
    rows.map(({ started_at, completed_at, success, ...rest }) => [
      rest['run_id'],
      {
        ...rest,
        started_at: started_at === null ? null : Number(started_at),
        completed_at: completed_at === null ? null : Number(completed_at),
        success: success === null ? null : Boolean(success),
      },
    ]),
  );
}

async function storedBins(storage: Storage, tenant: string, kind: string): Promise<Map<number, number>> {
  const rows = await storage.rows(
    'SELECT bin, count FROM metricast_execution_runtime WHERE tenant_id = $1 AND kind = $2',
    [tenant, kind],
  );
  return new Map(rows.map(({ bin, count }) => [Number(bin), Number(count)]));
}
