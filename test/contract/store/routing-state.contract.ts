import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DecisionInput } from '../../../src/feeds/routing/index.js';
import type { RoutingState } from '../../../src/feeds/routing/routing-state.js';
import { ALL_FEATURES, NO_FILTER, ROUTING_METRICS, type TenantId } from '../../../src/protocol/index.js';
import { stateFor } from '../../support/publications.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const EMPTY: RoutingState = {
  total_decisions: 0,
  avg_confidence: null,
  strategy_performance: {},
  confidence_distribution: { high: 0, medium: 0, low: 0 },
  provider_usage: {},
};

/** The state of `routing.metrics`, as it is read from what is stored. */
export function routingStateContract(storage: () => Storage): void {
  const collect = async (tenant: TenantId, timestamp = Date.now()) => {
    const state = await storage().routing.collect({ tenant, filter: NO_FILTER, features: ALL_FEATURES, timestamp });
    // As it leaves: what JSON cannot say must not be in it.
    return JSON.parse(JSON.stringify(state)) as RoutingState;
  };
  const decided = (tenant: TenantId, ...decisions: Partial<DecisionInput>[]) =>
    storage().decisions.record(
      tenant,
      decisions.map((one) => ({ strategy: 'hybrid', provider: 'gemini', confidence: 0.75, cost: 0, ...one })),
    );
  const seconds = (instant: number) => instant / 1000;

  it('says how each strategy does, how sure it was, and whom it chose', async () => {
    const tenant = newTenant();
    await decided(
      tenant,
      { strategy: 'hybrid', provider: 'gemini', confidence: 0.9, cost: 0.001 },
      { strategy: 'hybrid', provider: 'claude', confidence: 0.8, cost: 0.002 },
      { strategy: 'hybrid', provider: 'gemini', confidence: 0.5, cost: 0.0025 },
      { strategy: 'complexity', provider: 'cerebras', confidence: 0.7999, cost: 0 },
      { strategy: 'complexity', provider: 'gemini', confidence: 0.4999, cost: 1 },
    );

    expect(await collect(tenant)).toEqual({
      total_decisions: 5,
      avg_confidence: 0.69996,
      strategy_performance: {
        hybrid: { count: 3, avg_cost: 0.001833, avg_confidence: 0.733333 },
        complexity: { count: 2, avg_cost: 0.5, avg_confidence: 0.6499 },
      },
      confidence_distribution: { high: 2, medium: 2, low: 1 },
      provider_usage: { gemini: 3, claude: 1, cerebras: 1 },
    });
  });

  it('of nothing has no averages', async () => {
    expect(await collect(newTenant())).toEqual(EMPTY);
  });

  it('shows what was used most first, and what was used as often by name', async () => {
    const tenant = newTenant();
    const names = ['b', 'b', 'a', 'most', 'most', 'most', 'a', 'Z', 'é', 'least 2', 'least 1'];
    await decided(tenant, ...names.map((name) => ({ strategy: name, provider: name })));

    const { strategy_performance, provider_usage } = await collect(tenant);

    const order = ['most', 'a', 'b', 'Z', 'least 1', 'least 2', 'é'];
    expect(Object.keys(strategy_performance)).toEqual(order);
    expect(Object.keys(provider_usage)).toEqual(order);
  });

  it('loses no name that means something to JavaScript', async () => {
    const tenant = newTenant();
    const names = ['constructor', 'hasOwnProperty', 'prototype', 'toJSON', 'toString'];
    await decided(tenant, ...names.map((name) => ({ strategy: name, provider: name })));

    const { total_decisions, strategy_performance, provider_usage } = await collect(tenant);

    expect(total_decisions).toBe(names.length);
    expect(Object.entries(provider_usage)).toEqual(names.map((name) => [name, 1]));
    const performance = { count: 1, avg_cost: 0, avg_confidence: 0.75 };
    expect(Object.entries(strategy_performance)).toEqual(names.map((name) => [name, performance]));
  });

  it('is of the last 7 days, to the minute', async () => {
    const tenant = newTenant();
    const now = Math.floor(Date.now() / HOUR) * HOUR + 17 * MINUTE - DAY;
    const begin = now - 7 * DAY;
    await decided(
      tenant,
      { strategy: 'a millisecond too old', timestamp: seconds(begin - 1) },
      { strategy: 'the hour before', timestamp: seconds(begin - HOUR) },
      { strategy: 'first', timestamp: seconds(begin) },
      { strategy: 'cut hour', timestamp: seconds(begin + 42 * MINUTE) },
      { strategy: 'whole hour', timestamp: seconds(begin + 43 * MINUTE) },
      { strategy: 'a clock ahead', timestamp: seconds(now + 2 * HOUR) },
    );
    const shownAt = async (timestamp: number) =>
      Object.keys((await collect(tenant, timestamp)).strategy_performance).sort();

    const shown = ['a clock ahead', 'cut hour', 'first', 'whole hour'];
    expect(await shownAt(now)).toEqual(shown);
    expect(await shownAt(now + MINUTE - 1)).toEqual(shown);
    expect(await shownAt(now + MINUTE)).toEqual(['a clock ahead', 'cut hour', 'whole hour']);
    expect(await shownAt(now + 42 * MINUTE)).toEqual(['a clock ahead', 'cut hour', 'whole hour']);
    expect(await shownAt(now + 43 * MINUTE)).toEqual(['a clock ahead', 'whole hour']);
    expect(await shownAt(now + 44 * MINUTE)).toEqual(['a clock ahead']);
  });

  it('counts at any instant what was decided since that minute 7 days ago', async () => {
    // Decisions of the 3 hours around the instants at which 7-day windows begin.
    const from = Math.floor(Date.now() / HOUR) * HOUR - 8 * DAY;
    const moment = fc.oneof(fc.constantFrom(HOUR, 2 * HOUR), fc.integer({ min: 0, max: 3 * HOUR }));
    const property = fc.asyncProperty(fc.array(moment, { minLength: 1 }), moment, async (ages, later) => {
      const tenant = newTenant();
      await decided(tenant, ...ages.map((age) => ({ timestamp: seconds(from + age) })));
      const begin = Math.floor((from + later) / MINUTE) * MINUTE;
      const expected = ages.filter((age) => from + age >= begin).length;

      const { total_decisions } = await collect(tenant, from + later + 7 * DAY);

      expect(total_decisions).toBe(expected);
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('shows a tenant nothing of another', async () => {
    const [one, other] = [newTenant(), newTenant()];
    await decided(one, { strategy: 'a' });

    expect(await collect(one)).toMatchObject({ total_decisions: 1 });
    expect(await collect(other)).toEqual(EMPTY);
  });

  it('that was collected before a decision is not shown after it', async () => {
    const tenant = newTenant();
    let collections = 0;
    const look = () =>
      storage().states.get({ tenant, channel: ROUTING_METRICS }, '', HOUR, async () => {
        collections++;
        return stateFor();
      });
    await look();
    await look();
    expect(collections).toBe(1);
    await decided(tenant, {});
    await look();
    expect(collections).toBe(2);
  });

  it('is read by the index, from the buckets alone', async () => {
    const tenant = newTenant();
    for (const of of [tenant, newTenant(), newTenant()]) {
      await decided(
        of,
        ...Array.from({ length: 3000 }, (_, index) => ({
          strategy: `s${index % 5}`,
          timestamp: seconds(Date.now() - index * 10 * MINUTE),
        })),
      );
    }
    await storage().rows('ANALYZE');

    const plans = await plansOf(storage(), () => collect(tenant));

    expect(plans).toHaveLength(2);
    expectIndexed(plans);
    for (const plan of plans) {
      expect(plan).not.toContain('metricast_decision ');
      // By tenant, dimension, width and start, and not by the first of these alone.
      expect(plan).toMatch(/start\)? ?[>=]+/);
    }
  });
}
