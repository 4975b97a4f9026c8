import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DecisionInput } from '../../../src/feeds/routing/index.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Math.floor(Date.now() / 1000);

/** Whatever is sent in whatever order, the minutes and hours of a tenant say what its decisions say. */
export function decisionsContract(storage: () => Storage, another: () => Promise<Storage>): void {
  const property = fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
    const tenants = [newTenant(), newTenant()];
    const ids = new Set<string>();
    const expected = tenants.map((): DecisionInput[] => []);
    for (const { tenant, decisions } of requests) {
      for (const one of decisions) {
        const key = `${tenant} ${one.id}`;
        if (one.id === undefined || !ids.has(key)) expected[tenant]!.push(one);
        ids.add(key);
      }
    }

    await Promise.all(requests.map(({ tenant, decisions }) => storage().decisions.record(tenants[tenant]!, decisions)));

    for (const [index, tenant] of tenants.entries()) {
      const decisions = expected[index]!;
      expect(await storedDecisions(storage(), tenant)).toEqual(decisions.map(contentOf));
      expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf(decisions));
    }
  });

  it('decisions and their buckets agree, each id counts once, and no tenant gets another’s', async () => {
    await fc.assert(property, { numRuns: 40 });
  });

  it('a request that is repeated counts once', async () => {
    const tenant = newTenant();
    const decisions = Array.from({ length: 50 }, (_, index) => decision({ id: `${index}` }));
    await storage().decisions.record(tenant, decisions);
    await storage().decisions.record(tenant, decisions);

    expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf(decisions));
  });

  it('a request that fails counts nothing', async () => {
    const tenant = newTenant();
    const one = decision({ id: 'once' });
    const { dataSource, decisions } = storage();
    // The last table that a decision is written to.
    await dataSource.query('ALTER TABLE metricast_decision_bucket RENAME TO hidden');
    await expect(decisions.record(tenant, one)).rejects.toMatchObject({ code: 'busy' });
    await dataSource.query('ALTER TABLE hidden RENAME TO metricast_decision_bucket');

    expect(await storedDecisions(storage(), tenant)).toEqual([]);
    expect(await storedBuckets(storage(), tenant)).toEqual([]);
    await decisions.record(tenant, one);
    expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf([one]));
  });

  it('takes 10,000 decisions of 10,000 strategies at once', async () => {
    const tenant = newTenant();
    const decisions = Array.from({ length: 10_000 }, (_, index) =>
      decision({ strategy: `s${index}`, provider: `p${index % 7}`, id: `${index}` }),
    );
    await storage().decisions.record(tenant, decisions);
    await storage().decisions.record(tenant, decisions);

    expect(await storedDecisions(storage(), tenant)).toEqual(decisions.map(contentOf));
    const counted = decisions.map((one, index) => (index < 100 ? one : { ...one, strategy: 'other' }));
    expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf(counted));
  });

  describe('names', () => {
    /** Decisions of as many strategies and providers, the first of them with the number `from`. */
    const named = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) =>
        decision({ strategy: `s${from + index}`, provider: `p${from + index}`, cost: index }),
      );
    const asOther = ({ strategy: _strategy, provider: _provider, ...rest }: DecisionInput) =>
      decision({ ...rest, strategy: 'other', provider: 'other' });
    const record = (tenant: string, ...decisions: DecisionInput[]) => storage().decisions.record(tenant, decisions);
    const restart = async () => {
      const restarted = await another();
      onTestFinished(() => restarted.close());
      return restarted;
    };

    it('are the first 100 of strategies and of providers; all after are counted as other', async () => {
      const tenant = newTenant();
      const decisions = named(0, 150);
      await record(tenant, ...decisions.slice(0, 60));
      await record(tenant, ...decisions.slice(60));
      await record(tenant, ...decisions);

      expect(await storedDecisions(storage(), tenant)).toEqual(
        [...decisions, ...decisions.slice(0, 60), ...decisions.slice(60)].map(contentOf),
      );
      const counted = decisions.map((one, index) => (index < 100 ? one : asOther(one)));
      expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf([...counted, ...counted]));
    });

    it('of strategies leave those of providers their room', async () => {
      const tenant = newTenant();
      const decisions = named(0, 120).map((one) => ({ ...one, provider: 'gemini' }));
      const late = decision({ strategy: 's0', provider: 'claude' });
      await record(tenant, ...decisions);
      await record(tenant, late);

      const counted = decisions.map((one, index) => (index < 100 ? one : { ...one, strategy: 'other' }));
      expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf([...counted, late]));
    });

    it('are the same after a restart', async () => {
      const tenant = newTenant();
      await record(tenant, ...named(0, 90));
      const restarted = await restart();
      await restarted.decisions.record(tenant, named(80, 30));

      const all = [...named(0, 90), ...named(80, 20), ...named(80, 30).slice(20).map(asOther)];
      expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf(all));
    });

    it('of two instances that see them at once are 100', async () => {
      const tenant = newTenant();
      const other = await restart();
      const requests = Array.from({ length: 30 }, (_, index) => named(index * 5, 5));
      await Promise.all(
        requests.map(async (request, index) => (index % 2 > 0 ? other : storage()).decisions.record(tenant, request)),
      );

      const buckets = (await storedBuckets(storage(), tenant)).filter(([, width]) => width === MINUTE);
      for (const dimension of ['strategy', 'provider']) {
        const counts = new Map(buckets.filter(([of]) => of === dimension).map(([, , , name, count]) => [name, count]));
        expect(counts.get('other')).toBe(50);
        expect(counts.size).toBe(101);
      }
    });

    it('are no other tenant’s', async () => {
      const [tenant, other] = [newTenant(), newTenant()];
      await record(tenant, ...named(0, 150));
      await record(other, ...named(100, 50));

      expect(await storedBuckets(storage(), other)).toEqual(bucketsOf(named(100, 50)));
    });

    it('leave the name other to who uses it, which takes nobody’s room', async () => {
      const tenant = newTenant();
      const own = asOther(decision({ cost: 7 }));
      const decisions = named(0, 101);
      await record(tenant, own);
      await record(tenant, ...decisions);

      const counted = [own, ...decisions.slice(0, 100), ...decisions.slice(100).map(asOther)];
      expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf(counted));
    });

    it('that failed to be committed are forgotten', async () => {
      const tenant = newTenant();
      const { dataSource } = storage();
      await dataSource.query('ALTER TABLE metricast_decision_bucket RENAME TO hidden');
      await expect(record(tenant, ...named(0, 100))).rejects.toMatchObject({ code: 'busy' });
      await dataSource.query('ALTER TABLE hidden RENAME TO metricast_decision_bucket');
      await record(tenant, ...named(100, 100));

      expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf(named(100, 100)));
    });

    it('are looked up by the key, and once they are known no more', async () => {
      const tenant = newTenant();
      const lookUps = async (count: number) =>
        (await plansOf(storage(), () => record(tenant, ...named(0, count)))).filter((plan) =>
          plan.includes('metricast_decision_name'),
        );
      const plans = [...(await lookUps(90)), ...(await lookUps(150))];

      expect(plans).toHaveLength(2);
      expectIndexed(plans);
      expect(await lookUps(50)).toEqual([]);
      expect(await lookUps(200)).toEqual([]);
    });
  });

  it('costs of any size that is allowed can be summed', async () => {
    const tenant = newTenant();
    const dear = Array.from({ length: 1000 }, () => decision({ cost: 1e9 }));
    const { rejected } = await storage().decisions.record(tenant, [...dear, decision({ cost: 1.7e308 })]);

    expect(rejected).toEqual([{ index: 1000, field: 'cost', message: 'must be a finite number from 0 to 1000000000' }]);
    expect(await storedBuckets(storage(), tenant)).toEqual(bucketsOf(dear));
  });
}

function decision(particulars: Partial<DecisionInput> = {}): DecisionInput {
  return { strategy: 'hybrid', provider: 'gemini', confidence: 0.75, cost: 0.5, timestamp: NOW, ...particulars };
}

/** Few names, minutes and ids, so that they meet; numbers whose sums are exact in any order. */
const one = fc.record(
  {
    strategy: fc.constantFrom('a', 'b', 'B', 'constructor', 'ünï', '100% "q" \'s\' \\'),
    provider: fc.constantFrom('a', 'b', 'constructor'),
    model: fc.constantFrom('m1', 'm2'),
    confidence: fc.oneof(
      fc.constantFrom(0, 0.5, 1),
      fc.nat(16).map((sixteenths) => sixteenths / 16),
    ),
    cost: fc.nat(4000).map((part) => part / 1024),
    timestamp: fc.oneof(
      fc.constantFrom(0, 59.999, 60, 3599.999, 3600, NOW, NOW - 86_400, NOW + 200),
      fc.integer({ min: NOW - 7200, max: NOW }),
    ),
    id: fc.constantFrom('1', '2', '3', '4', '5', '6'),
  },
  { requiredKeys: ['strategy', 'provider', 'confidence', 'cost', 'timestamp'] },
) as fc.Arbitrary<DecisionInput>;

const request = fc.record({ tenant: fc.nat(1), decisions: fc.array(one, { minLength: 1, maxLength: 15 }) });

const at = ({ timestamp }: DecisionInput) => Math.round((timestamp as number) * 1000);

function contentOf(input: DecisionInput): unknown[] {
  const { strategy, provider, model, confidence, cost } = input;
  return [strategy, provider, model ?? null, confidence, cost, at(input)];
}

type Bucket = readonly (string | number)[];

function bucketsOf(decisions: readonly DecisionInput[]): Bucket[] {
  const buckets: Bucket[] = [];
  for (const dimension of ['provider', 'strategy'] as const) {
    for (const width of [MINUTE, HOUR]) {
      const groupOf = (input: DecisionInput) =>
        JSON.stringify([Math.floor(at(input) / width) * width, input[dimension]]);
      const groups = new Map<string, DecisionInput[]>();
      for (const input of decisions) groups.set(groupOf(input), [...(groups.get(groupOf(input)) ?? []), input]);
      for (const [group, members] of groups) {
        const [start, name] = JSON.parse(group) as [number, string];
        const sum = (of: (input: DecisionInput) => number) => members.reduce((all, input) => all + of(input), 0);
        const rated = (from: number, to: number) =>
          members.filter(({ confidence }) => confidence >= from && confidence < to).length;
        buckets.push([
          dimension,
          width,
          start,
          name,
          members.length,
          sum(({ cost }) => cost),
          sum(({ confidence }) => confidence),
          rated(0.8, 2),
          rated(0.5, 0.8),
          rated(0, 0.5),
        ]);
      }
    }
  }
  return inOrder(buckets);
}

/** The order does not matter, as long as there is one that does not depend on the database's language. */
function inOrder(buckets: readonly Bucket[]): Bucket[] {
  const keyOf = (bucket: Bucket) => JSON.stringify(bucket.slice(0, 4));
  return [...buckets].sort((first, second) => (keyOf(first) < keyOf(second) ? -1 : 1));
}

async function storedDecisions(storage: Storage, tenant: string): Promise<unknown[][]> {
  const rows = await storage.rows(
    `SELECT strategy, provider, model, confidence, cost, decided_at
     FROM metricast_decision WHERE tenant_id = $1 ORDER BY decision_id`,
    [tenant],
  );
  return rows.map(({ decided_at, ...rest }) => [...Object.values(rest), Number(decided_at)]);
}

async function storedBuckets(storage: Storage, tenant: string): Promise<Bucket[]> {
  const rows = await storage.rows(
    `SELECT dimension, width, start, name, count, cost, confidence, high, medium, low
     FROM metricast_decision_bucket WHERE tenant_id = $1`,
    [tenant],
  );
  return inOrder(
    rows.map(({ dimension, width, start, name, ...sums }) => [
      dimension as string,
      Number(width),
      Number(start),
      name as string,
      ...Object.values(sums).map(Number),
    ]),
  );
}
