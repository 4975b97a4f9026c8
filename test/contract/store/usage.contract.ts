import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UsageInput } from '../../../src/feeds/tools/index.js';
import { COUNTERS, type Counter } from '../../../src/feeds/tools/usage-counters.js';
import { NO_FILTER, TOOLS_METRICS, type TenantId } from '../../../src/protocol/index.js';
import type { Row } from '../../../src/store/index.js';
import { set } from '../../support/settings.js';
import { type Storage, newTenant } from '../../support/storage.js';

const NOW = Math.floor(Date.now() / 1000);

/** Whatever is sent in whatever order, each item's row and all totals say what the items say. */
export function usageContract(storage: () => Storage, another: () => Promise<Storage>): void {
  it('items, what their series came to, and totals agree; each id counts once, and no tenant gets another’s', async () => {
    const property = fc.asyncProperty(fc.array(request, { maxLength: 10 }), async (requests) => {
      const tenants = [newTenant(), newTenant()];
      const ids = new Set<string>();
      const expected = tenants.map((): UsageInput[] => []);
      for (const { tenant, items } of requests) {
        for (const item of items) {
          const key = `${tenant} ${item.id}`;
          if (item.id === undefined || !ids.has(key)) expected[tenant]!.push(item);
          ids.add(key);
        }
      }

      await Promise.all(requests.map(({ tenant, items }) => storage().usage.record(tenants[tenant]!, items)));

      for (const [index, tenant] of tenants.entries()) {
        expect(await storedItems(storage(), tenant)).toEqual(rowsOf(expected[index]!));
        expect(await storedTotals(storage(), tenant)).toEqual(totalsOf(expected[index]!));
      }
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it('an item without a session is a series of its own beside those of the sessions', async () => {
    const tenant = newTenant();
    const item = (count: number, session_id?: string): UsageInput => ({
      tool_id: 't',
      kind: 'embedding',
      count,
      ...(session_id && { session_id }),
    });
    await storage().usage.record(tenant, [item(1), item(10, 's')]);
    await storage().usage.record(tenant, [item(2), item(20, 's'), item(3)]);

    const rows = await storage().rows(
      'SELECT session_id, count, count_delta FROM metricast_tool_usage WHERE tenant_id = $1 ORDER BY usage_id',
      [tenant],
    );
    expect(rows).toEqual([
      { session_id: null, count: 1, count_delta: 1 },
      { session_id: 's', count: 10, count_delta: 10 },
      { session_id: null, count: 3, count_delta: 2 },
      { session_id: 's', count: 30, count_delta: 20 },
      { session_id: null, count: 6, count_delta: 3 },
    ]);
  });

  it('what was saved in a time is the sum of the deltas of that time', async () => {
    const tenant = newTenant();
    const saved = (tokens_saved: number, timestamp: number): UsageInput => ({
      tool_id: 't',
      kind: 'compression',
      tokens_saved,
      timestamp,
    });
    await storage().usage.record(tenant, [saved(100, NOW - 90_000), saved(20, NOW - 60), saved(3, NOW)]);

    const [sum] = await storage().rows(
      'SELECT SUM(tokens_saved_delta) AS saved FROM metricast_tool_usage WHERE tenant_id = $1 AND at > $2',
      [tenant, (NOW - 86_400) * 1000],
    );
    expect(sum).toEqual({ saved: 23 });
  });

  describe('as history of tools.metrics', () => {
    const HOUR = 3600;
    const BEGIN = NOW - (NOW % HOUR) - 3 * HOUR;
    const saved = (tool_id: string, tokens_saved: number, second: number, more: Partial<UsageInput> = {}) => ({
      ...{ tool_id, kind: 'compression' as const, tokens_saved, timestamp: BEGIN + second, count: 0, ...more },
    });
    /** By tool, what each hour from the beginning came to. */
    const hours = async (tenant: TenantId, name: string) => {
      const series = await storage().channelSeries.of(tenant, TOOLS_METRICS, NO_FILTER, name);
      const found: Record<string, (number | undefined)[]> = {};
      for (const { id, tags, type } of series) {
        expect(type).toBe('counter');
        expect(Object.keys(tags)).toEqual(['kind', 'tool_id']);
        const row = (found[`${tags['kind']} ${tags['tool_id']}`] = [] as (number | undefined)[]);
        for (let hour = 0; hour < 3; hour++) {
          row.push((await storage().rollups.at('1h', 1000 * (BEGIN + hour * HOUR), [id])).get(id)?.value);
        }
      }
      return found;
    };

    it('says what was used in a time, also where it was recorded late, and in no order', async () => {
      const tenant = newTenant();
      await storage().usage.record(tenant, [saved('a', 100, HOUR + 1), saved('b', 7, 0, { session_id: 's' })]);
      await storage().usage.record(tenant, [saved('a', 20, 5, { session_id: 's' }), saved('a', 3, HOUR)]);
      await storage().usage.record(tenant, [
        saved('a', 1, 2 * HOUR),
        saved('a', 50, 4, { kind: 'embedding', cache_hits: 2 }),
        saved('a', 4, 6),
      ]);

      expect(await hours(tenant, 'tokens_saved')).toEqual({
        'compression a': [24, 103, 1],
        'compression b': [7, undefined, undefined],
        'embedding a': [50, undefined, undefined],
      });
      expect(await hours(tenant, 'cache_hits')).toEqual({ 'embedding a': [2, undefined, undefined] });
      expect(await hours(tenant, 'misses')).toEqual({});
    });

    it('has one value for all that a request says of a counter and an instant, and what the tool came to with it', async () => {
      const tenant = newTenant();
      await storage().usage.record(tenant, [saved('a', 100, 0), saved('a', 20, 0), saved('a', 3, 1)]);
      await storage().usage.record(tenant, saved('a', 5, 0, { id: 'once' }));
      await storage().usage.record(tenant, saved('a', 5, 0, { id: 'once' }));

      const points = await storage().rows(
        `SELECT value, increase FROM metricast_metric_point point
         JOIN metricast_metric_series series ON series.series_id = point.series_id
         WHERE tenant_id = $1 ORDER BY point_id`,
        [tenant],
      );
      expect(points).toEqual([
        { value: 120, increase: 120 },
        { value: 123, increase: 3 },
        { value: 128, increase: 5 },
      ]);
    });

    it('is left out where the tenant has no room for more series, and the usage is counted all the same', async () => {
      const tenant = newTenant();
      set(storage().tenants, tenant, { limits: { maxSeries: 1 } });
      const result = await storage().usage.record(tenant, [saved('a', 100, 0), saved('b', 20, 0)]);

      expect(result).toEqual({ accepted: 2, rejected: [] });
      expect(await hours(tenant, 'tokens_saved')).toEqual({ 'compression a': [100, undefined, undefined] });
      expect(await storedItems(storage(), tenant)).toHaveLength(2);
    });
  });

  it('what is not said is one piece of work, and what was saved is what is missing', async () => {
    const tenant = newTenant();
    const tool_id = 't';
    await storage().usage.record(tenant, [
      { tool_id, kind: 'embedding' },
      { tool_id, kind: 'embedding', count: 0, cache_hits: 0 },
      { tool_id, kind: 'compression', original_tokens: 100, compressed_tokens: 30 },
      { tool_id, kind: 'compression', original_tokens: 100, compressed_tokens: 130 },
      { tool_id, kind: 'compression', original_tokens: 100, compressed_tokens: 30, tokens_saved: 5 },
      { tool_id, kind: 'compression', original_tokens: 100, compressed_tokens: 30, tokens_saved: 0 },
      { tool_id, kind: 'compression', original_tokens: 100 },
      { tool_id, kind: 'response_cache', hits: 2 },
    ]);

    const rows = await storage().rows(
      'SELECT count_delta, tokens_saved_delta FROM metricast_tool_usage WHERE tenant_id = $1 ORDER BY usage_id',
      [tenant],
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      [1, 0],
      [0, 0],
      [1, 70],
      [1, 0],
      [1, 5],
      [1, 0],
      [1, 0],
      [0, 0],
    ]);
  });

  it('a request that is repeated counts once', async () => {
    const tenant = newTenant();
    const items = Array.from({ length: 50 }, (_, index): UsageInput => ({ ...anItem, id: `${index}` }));
    await storage().usage.record(tenant, items);
    await storage().usage.record(tenant, items);

    expect(await storedTotals(storage(), tenant)).toEqual(totalsOf(items));
  });

  it('a request that fails counts nothing', async () => {
    const tenant = newTenant();
    const item = { ...anItem, id: 'once' };
    const { dataSource, usage } = storage();
    // The last table that usage is written to.
    await dataSource.query('ALTER TABLE metricast_tool_usage RENAME TO hidden');
    await expect(usage.record(tenant, item)).rejects.toMatchObject({ code: 'busy' });
    await dataSource.query('ALTER TABLE hidden RENAME TO metricast_tool_usage');

    expect(await storedItems(storage(), tenant)).toEqual([]);
    expect(await storedTotals(storage(), tenant)).toEqual([]);
    await usage.record(tenant, item);
    expect(await storedTotals(storage(), tenant)).toEqual(totalsOf([item]));
  });

  it('takes 10,000 items of 10,000 sessions at once', async () => {
    const tenant = newTenant();
    const items = Array.from({ length: 10_000 }, (_, index): UsageInput => ({ ...anItem, session_id: `s${index}` }));
    await storage().usage.record(tenant, items);

    const [sum] = await storage().rows(
      'SELECT COUNT(*) AS rows_stored, SUM(count_delta) AS items FROM metricast_tool_usage WHERE tenant_id = $1',
      [tenant],
    );
    expect([Number(sum!['rows_stored']), sum!['items']]).toEqual([10_000, 10_000]);
    expect((await storedTotals(storage(), tenant)).filter(([scope]) => scope === 'all')).toHaveLength(1);
  });

  it('no sum of what is allowed is too large', async () => {
    const tenant = newTenant();
    const most: UsageInput = { tool_id: 't', kind: 'compression', tokens_saved: 1e12 };
    // As if this had been done long enough.
    await storage().usage.record(tenant, most);
    await storage().rows('UPDATE metricast_tool_total SET tokens_saved = 9.2e18 WHERE tenant_id = $1', [tenant]);
    await storage().usage.record(
      tenant,
      Array.from({ length: 10_000 }, () => most),
    );
    await storage().usage.record(
      tenant,
      Array.from({ length: 10_000 }, () => most),
    );

    const { rejected } = await storage().usage.record(tenant, [most, { ...most, tokens_saved: 1e12 + 1 }]);

    expect(rejected).toEqual([
      { index: 1, field: 'tokens_saved', message: 'must be a whole number from 0 to 1000000000000' },
    ]);
    const [total] = await storage().rows(
      `SELECT tokens_saved FROM metricast_tool_total WHERE tenant_id = $1 AND scope = 'all'`,
      [tenant],
    );
    expect(total!['tokens_saved'] as number).toBeCloseTo(9.22e18, -17);
  });

  it('instances that record the same series at once lose nothing, and give each item a place of its own', async () => {
    const tenant = newTenant();
    const other = await another();
    const requests = [storage(), other].flatMap(({ usage }) =>
      Array.from({ length: 30 }, (_, index) =>
        usage.record(tenant, [
          { ...anItem, tool_id: `t${index % 3}` },
          { ...anItem, tool_id: `t${(index + 1) % 3}` },
        ]),
      ),
    );
    await Promise.all(requests);
    await other.close();

    const rows = await storage().rows('SELECT count FROM metricast_tool_usage WHERE tenant_id = $1 ORDER BY count', [
      tenant,
    ]);
    // Of each of the three series, the 40 items in one order or another.
    expect(rows.map(({ count }) => count)).toEqual(
      Array.from({ length: 120 }, (_, index) => Math.floor(index / 3) + 1),
    );
  });
}

const anItem: UsageInput = { tool_id: 't', session_id: 's', kind: 'embedding', timestamp: NOW };

const amount = fc.oneof(fc.nat(5), fc.nat(1_000_000), fc.constantFrom(0, 1e12));

/** Few tools, sessions and ids, so that they meet; amounts whose sums are exact. */
const item = fc.record(
  {
    tool_id: fc.constantFrom('a', 'b', 'B', 'ünï', '100% "q" \'s\' \\'),
    session_id: fc.constantFrom('a', 's1', 's2'),
    kind: fc.constantFrom('embedding', 'compression', 'response_cache'),
    count: amount,
    cache_hits: amount,
    original_tokens: amount,
    compressed_tokens: amount,
    tokens_saved: amount,
    hits: amount,
    misses: amount,
    timestamp: fc.constantFrom(0, NOW - 86_400, NOW, NOW + 200),
    id: fc.constantFrom('1', '2', '3', '4', '5', '6'),
  },
  { requiredKeys: ['tool_id', 'kind', 'timestamp'] },
) as fc.Arbitrary<UsageInput>;

const request = fc.record({ tenant: fc.nat(1), items: fc.array(item, { minLength: 1, maxLength: 12 }) });

function countsOf(one: UsageInput): Record<Counter, number> {
  const { original_tokens, compressed_tokens } = one;
  const missing = Math.max(0, (original_tokens ?? 0) - (compressed_tokens ?? 0));
  const isKnown = original_tokens !== undefined && compressed_tokens !== undefined;
  return {
    count: one.count ?? (one.kind === 'response_cache' ? 0 : 1),
    cache_hits: one.cache_hits ?? 0,
    original_tokens: original_tokens ?? 0,
    compressed_tokens: compressed_tokens ?? 0,
    tokens_saved: one.tokens_saved ?? (isKnown ? missing : 0),
    hits: one.hits ?? 0,
    misses: one.misses ?? 0,
  };
}

function sumOf(items: readonly UsageInput[]): number[] {
  return COUNTERS.map((counter) => items.reduce((sum, one) => sum + countsOf(one)[counter], 0));
}

function rowsOf(items: readonly UsageInput[]): unknown[][] {
  return items.map((one, index) => {
    const { tool_id, session_id, kind, timestamp } = one;
    const series = items
      .slice(0, index + 1)
      .filter((other) => other.tool_id === tool_id && other.session_id === session_id && other.kind === kind);
    return [tool_id, session_id ?? null, kind, (timestamp as number) * 1000, ...sumOf(series), ...sumOf([one])];
  });
}

function totalsOf(items: readonly UsageInput[]): unknown[][] {
  const groups = new Map<string, UsageInput[]>();
  for (const one of items) {
    const { kind, tool_id, session_id } = one;
    const scopes = [
      ['series', kind, tool_id, session_id ?? ''],
      ['tool', kind, tool_id, ''],
      ['all', kind, '', ''],
      ...(session_id ? [['session', kind, '', session_id]] : []),
    ];
    for (const scope of scopes) {
      const key = JSON.stringify(scope);
      groups.set(key, [...(groups.get(key) ?? []), one]);
    }
  }
  return [...groups].map(([key, group]) => [...(JSON.parse(key) as string[]), ...sumOf(group)]).sort(byText);
}

async function storedItems(storage: Storage, tenant: string): Promise<unknown[][]> {
  const rows = await storage.rows(
    `SELECT tool_id, session_id, kind, at, ${COUNTERS.join(', ')},
       ${COUNTERS.map((counter) => `${counter}_delta`).join(', ')}
     FROM metricast_tool_usage WHERE tenant_id = $1 ORDER BY usage_id`,
    [tenant],
  );
  return rows.map(({ at, ...row }) => Object.values(row).toSpliced(3, 0, Number(at)));
}

async function storedTotals(storage: Storage, tenant: string): Promise<unknown[][]> {
  const rows: Row[] = await storage.rows(
    `SELECT scope, kind, tool_id, session_id, ${COUNTERS.join(', ')} FROM metricast_tool_total WHERE tenant_id = $1`,
    [tenant],
  );
  return rows.map((row) => Object.values(row)).sort(byText);
}

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}
