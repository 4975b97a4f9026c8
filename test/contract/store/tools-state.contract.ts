import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { UsageInput } from '../../../src/feeds/tools/index.js';
import { ALL_FEATURES, type TagFilter, type TenantId, NO_FILTER } from '../../../src/protocol/index.js';
import { filterOf } from '../../support/publications.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const EMPTY = {
  embeddings: {
    status: 'healthy',
    mlx_metrics: { total_embeddings: 0, cache_hits: 0, cache_hit_rate: null },
  },
  compression: {
    status: 'healthy',
    metrics: { total_compressions: 0, total_tokens_saved: 0, overall_compression_ratio: null },
  },
  workflows: { status: 'healthy', metrics: { total: 0, successful: 0, failed: 0, success_rate: null } },
  response_cache: { status: 'healthy', metrics: { hits: 0, misses: 0, hit_rate: null } },
};

/** The state of `tools.metrics`, as it is read from what is stored. */
export function toolsStateContract(storage: () => Storage): void {
  const collect = async (tenant: TenantId, filter: TagFilter = NO_FILTER) => {
    const state = await storage().tools.collect({ tenant, filter, features: ALL_FEATURES, timestamp: Date.now() });
    // As it leaves: what JSON cannot say must not be in it.
    return JSON.parse(JSON.stringify(state)) as Record<string, Record<string, unknown>>;
  };

  it('of nothing is zeros, and no rates', async () => {
    expect(await collect(newTenant())).toEqual(EMPTY);
    expect(await collect(newTenant(), filterOf({ tool_id: 't', session_id: ['a', 'b'] }))).toEqual(EMPTY);
  });

  it('shows each kind of work in its section', async () => {
    const tenant = newTenant();
    const tool_id = 't';
    await storage().usage.record(tenant, [
      { tool_id, kind: 'embedding', count: 6, cache_hits: 4 },
      { tool_id, kind: 'embedding', count: 1 },
      { tool_id, kind: 'compression', original_tokens: 1000, compressed_tokens: 333 },
      { tool_id, kind: 'compression', count: 2, original_tokens: 2000, tokens_saved: 0 },
      { tool_id, kind: 'response_cache', hits: 2, misses: 1 },
    ]);
    const started = ['r1', 'r2', 'r3', 'r4'].map((run_id) => ({
      run_id,
      agent_id: 'a',
      kind: 'workflow' as const,
      status: 'started' as const,
    }));
    await storage().executions.record(tenant, [
      ...started,
      { ...started[0]!, status: 'completed', success: true },
      { ...started[1]!, status: 'failed' },
      { ...started[2]!, status: 'completed', success: true },
    ]);

    expect(await collect(tenant)).toEqual({
      embeddings: {
        status: 'healthy',
        mlx_metrics: { total_embeddings: 7, cache_hits: 4, cache_hit_rate: 0.571429 },
      },
      compression: {
        status: 'healthy',
        metrics: { total_compressions: 3, total_tokens_saved: 667, overall_compression_ratio: 0.222333 },
      },
      // One still runs.
      workflows: { status: 'healthy', metrics: { total: 4, successful: 2, failed: 1, success_rate: 0.666667 } },
      response_cache: { status: 'healthy', metrics: { hits: 2, misses: 1, hit_rate: 0.666667 } },
    });
  });

  it('is narrowed to tools and to sessions', async () => {
    const tenant = newTenant();
    const embedded = (count: number, tool_id: string, session_id?: string): UsageInput => ({
      kind: 'embedding',
      count,
      tool_id,
      ...(session_id && { session_id }),
    });
    await storage().usage.record(tenant, [
      embedded(1, 'a'),
      embedded(10, 'a', 'x'),
      embedded(100, 'a', 'y'),
      embedded(1000, 'b', 'x'),
      embedded(10_000, 'x', 'a'),
    ]);
    const total = async (pairs: Record<string, string | string[]>) =>
      ((await collect(tenant, filterOf(pairs)))['embeddings']!['mlx_metrics'] as Record<string, unknown>)[
        'total_embeddings'
      ];

    expect(await total({})).toBe(11_111);
    expect(await total({ tool_id: 'a' })).toBe(111);
    expect(await total({ tool_id: ['a', 'b', 'never seen'] })).toBe(1111);
    expect(await total({ session_id: 'x' })).toBe(1010);
    expect(await total({ session_id: ['x', 'y'] })).toBe(1110);
    expect(await total({ tool_id: 'a', session_id: 'x' })).toBe(10);
    expect(await total({ tool_id: ['a', 'b'], session_id: ['x', 'y'] })).toBe(1110);
    expect(await total({ tool_id: 'b', session_id: 'y' })).toBe(0);
  });

  it('narrowed to none, as a token may want it, has nothing', async () => {
    const tenant = newTenant();
    await storage().usage.record(tenant, { tool_id: 'a', session_id: 's', kind: 'embedding' });

    expect(await collect(tenant, { tool_id: [] })).toEqual(EMPTY);
    expect(await collect(tenant, { session_id: [], tool_id: ['a'] })).toEqual(EMPTY);
  });

  it('is the plain sum of all items that a filter means, whatever they are', async () => {
    const property = fc.asyncProperty(fc.array(item, { maxLength: 40 }), ids, ids, async (items, tools, sessions) => {
      const tenant = newTenant();
      await storage().usage.record(tenant, items);
      await storage().usage.record(newTenant(), items);
      const meant = items.filter(
        ({ tool_id, session_id }) =>
          (!tools || tools.includes(tool_id)) && (!sessions || (session_id && sessions.includes(session_id))),
      );
      const sum = (kind: string, field: keyof UsageInput) =>
        meant.filter((one) => one.kind === kind).reduce((all, one) => all + Number(one[field] ?? 0), 0);

      const state = await collect(tenant, {
        ...(sessions && { session_id: sessions }),
        ...(tools && { tool_id: tools }),
      });

      expect(state).toMatchObject({
        embeddings: {
          mlx_metrics: { total_embeddings: sum('embedding', 'count'), cache_hits: sum('embedding', 'cache_hits') },
        },
        compression: {
          metrics: {
            total_compressions: sum('compression', 'count'),
            total_tokens_saved: sum('compression', 'tokens_saved'),
          },
        },
        response_cache: { metrics: { hits: sum('response_cache', 'hits'), misses: sum('response_cache', 'misses') } },
      });
      for (const rate of ratesOf(state)) expect(rate).toSatisfy((one) => one === null || (one >= 0 && one <= 1));
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('shows a tenant nothing of another', async () => {
    const [one, other] = [newTenant(), newTenant()];
    await storage().usage.record(one, { tool_id: 'a', kind: 'response_cache', hits: 1 });

    expect(await collect(one)).toMatchObject({ response_cache: { metrics: { hits: 1 } } });
    expect(await collect(other)).toEqual(EMPTY);
  });

  it('that was collected before an item is not shown after it', async () => {
    const tenant = newTenant();
    const forgotten: unknown[] = [];
    const { states } = storage();
    const forget = states.forget.bind(states);
    states.forget = (tick) => {
      forgotten.push(tick);
      forget(tick);
    };
    await storage().usage.record(tenant, { tool_id: 'a', kind: 'embedding' });
    states.forget = forget;

    expect(forgotten).toEqual([{ tenant, channel: 'tools.metrics' }]);
  });

  it('says of a section alone that it is unavailable, without a word of SQL', async () => {
    const tenant = newTenant();
    await storage().usage.record(tenant, { tool_id: 'a', kind: 'embedding' });
    const { dataSource } = storage();
    await dataSource.query('ALTER TABLE metricast_tool_total RENAME TO hidden');
    const state = await collect(tenant);
    await dataSource.query('ALTER TABLE hidden RENAME TO metricast_tool_total');

    const error = 'its figures cannot be read now';
    expect(state).toEqual({
      embeddings: {
        status: 'unavailable',
        error,
        mlx_metrics: { total_embeddings: null, cache_hits: null, cache_hit_rate: null },
      },
      compression: {
        status: 'unavailable',
        error,
        metrics: { total_compressions: null, total_tokens_saved: null, overall_compression_ratio: null },
      },
      workflows: EMPTY.workflows,
      response_cache: { status: 'unavailable', error, metrics: { hits: null, misses: null, hit_rate: null } },
    });
    expect(await collect(tenant)).toMatchObject({ embeddings: { mlx_metrics: { total_embeddings: 1 } } });

    await dataSource.query('ALTER TABLE metricast_execution_total RENAME TO hidden');
    const without = await collect(tenant);
    await dataSource.query('ALTER TABLE hidden RENAME TO metricast_execution_total');

    expect(without).toMatchObject({
      embeddings: { status: 'healthy', mlx_metrics: { total_embeddings: 1 } },
      workflows: { status: 'unavailable', error, metrics: { total: null, success_rate: null } },
    });
  });

  it('is read by the key, from a row for each kind', async () => {
    const tenant = newTenant();
    for (const of of [tenant, newTenant(), newTenant()]) {
      const items = Array.from({ length: 2000 }, (_, index) => ({
        tool_id: `t${index % 50}`,
        session_id: `s${index % 400}`,
        kind: (['embedding', 'compression', 'response_cache'] as const)[index % 3]!,
      }));
      await storage().usage.record(of, items);
    }
    await storage().rows('ANALYZE');

    const filters = [
      NO_FILTER,
      filterOf({ tool_id: 't1' }),
      filterOf({ session_id: ['s1', 's2'] }),
      filterOf({ tool_id: 't1', session_id: 's2' }),
    ];
    for (const filter of filters) {
      const plans = await plansOf(storage(), () => collect(tenant, filter));

      expect(plans).toHaveLength(4);
      expectIndexed(plans);
      const ofUsage = plans.filter((plan) => plan.includes('metricast_tool_total'));
      expect(ofUsage).toHaveLength(3);
      // By the whole key, and not by the tenant alone.
      for (const plan of ofUsage) expect(plan).toMatch(/(Index Cond|SEARCH).*tool_id\S* *=.*session_id\S* *=/);
    }
  });
}

const amount = fc.oneof(fc.nat(5), fc.nat(1_000_000), fc.constantFrom(0, 1e12));

const item = fc.record(
  {
    tool_id: fc.constantFrom('a', 'b', 'c'),
    session_id: fc.constantFrom('a', 'x', 'y'),
    kind: fc.constantFrom('embedding', 'compression', 'response_cache'),
    count: amount,
    cache_hits: amount,
    original_tokens: amount,
    tokens_saved: amount,
    hits: amount,
    misses: amount,
  },
  { requiredKeys: ['tool_id', 'kind', 'count'] },
) as fc.Arbitrary<UsageInput>;

/** Of some tools or sessions; undefined for any. */
const ids = fc.option(fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'x', 'y', 'never seen'), { minLength: 1 }), {
  nil: undefined,
});

function ratesOf(state: Record<string, Record<string, unknown>>): (number | null)[] {
  const figures = { ...state['embeddings'], ...state['compression'], ...state['response_cache'] };
  return Object.values(figures).flatMap((section) =>
    Object.entries(section as object)
      .filter(([name]) => /rate|ratio/.test(name))
      .map(([, rate]) => rate as number | null),
  );
}
