import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Tick, TickPlan } from '../../../src/metrics/tick-plan.js';
import { ACME, tenantId } from '../../support/principals.js';
import { ORDERS, channelName } from '../../support/publications.js';

const CARTS = channelName('carts.metrics');
const tick: Tick = { tenant: ACME, channel: ORDERS };

function keyOf({ tenant, channel }: Tick): string {
  return `${tenant} ${channel}`;
}

/** When each tick was due, by asking at these instants. */
function dueAt(plan: TickPlan, interval: number, instants: Iterable<number>): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const now of instants) {
    for (const due of plan.due(interval, now)) {
      times.set(keyOf(due), [...(times.get(keyOf(due)) ?? []), now]);
    }
  }
  return times;
}

/** Instants as a timer gives them that fires this often. */
function* every(step: number, from: number, until: number): Generator<number> {
  for (let now = from; now < until; now += step) yield now;
}

function planOf(count: number, interval: number): TickPlan {
  const plan = new TickPlan();
  for (let index = 0; index < count; index++) {
    plan.add({ tenant: tenantId(`tenant-${index}`), channel: ORDERS }, interval);
  }
  return plan;
}

describe('a tick plan', () => {
  test('has nothing due where nothing was added', () => expect(new TickPlan().due(1000, 0)).toEqual([]));

  test.each([100, 250, 1000, 5000, 3_600_000])('has each entry due once in each %d ms, evenly spaced', (interval) => {
    const plan = planOf(50, interval);
    const { slotLength } = plan.intervals.get(interval)!;
    const start = 12_345;
    const times = dueAt(plan, interval, every(slotLength, start, start + 10 * interval));
    expect(times.size).toBe(50);
    for (const instants of times.values()) {
      expect(instants).toHaveLength(10);
      for (let at = 1; at < 10; at++) expect(instants[at]! - instants[at - 1]!).toBeCloseTo(interval, 3);
    }
  });

  test('spreads tenants over the interval', () => {
    const plan = planOf(10_000, 1000);
    const { slotLength } = plan.intervals.get(1000)!;
    expect(slotLength).toBe(50);
    const counts = [...every(slotLength, 0, 1000)].map((now) => plan.due(1000, now).length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(10_000);
    // 20 slots: 500 each, if they were dealt like cards.
    expect(Math.min(...counts)).toBeGreaterThan(350);
    expect(Math.max(...counts)).toBeLessThan(650);
  });

  test('has all channels of a tenant due together', () => {
    const plan = new TickPlan();
    plan.add(tick, 1000);
    plan.add({ tenant: ACME, channel: CARTS }, 1000);
    const times = dueAt(plan, 1000, every(50, 0, 3000));
    expect(times.get(`${ACME} ${CARTS}`)).toEqual(times.get(`${ACME} ${ORDERS}`));
  });

  test('keeps a tenant in its place when others come and go', () => {
    const phaseIn = (plan: TickPlan) => dueAt(plan, 1000, every(50, 0, 1000)).get(keyOf(tick));
    const [alone, crowded] = [new TickPlan(), planOf(100, 1000)];
    alone.add(tick, 1000);
    crowded.add(tick, 1000);
    expect(phaseIn(crowded)).toEqual(phaseIn(alone));
  });

  test('has what a stalled process missed due once, however long it was', () => {
    const plan = planOf(100, 1000);
    plan.due(1000, 0);
    for (const stalledFor of [1000, 2500, 3_600_000]) {
      const start = 10_000_000 + stalledFor;
      const due = plan.due(1000, start).map(keyOf);
      expect(due).toHaveLength(100);
      expect(new Set(due).size).toBe(100);
      expect(plan.due(1000, start)).toEqual([]);
    }
  });

  test('makes up for slots that a late timer skipped', () => {
    const plan = planOf(200, 1000);
    const times = dueAt(plan, 1000, [0, 49, 130, 135, 420, 421, 800, 990, 999]);
    expect(times.size).toBe(200);
    for (const instants of times.values()) expect(instants).toHaveLength(1);
  });

  test('has a tick in the interval that it was given last', () => {
    const plan = new TickPlan();
    plan.add(tick, 1000);
    plan.add(tick, 5000);
    expect([...plan.intervals.keys()]).toEqual([5000]);
    expect(dueAt(plan, 1000, every(50, 0, 10_000)).size).toBe(0);
    expect(dueAt(plan, 5000, every(250, 0, 10_000)).get(keyOf(tick))).toHaveLength(2);
  });

  test('has a removed tick due no more, and no interval without ticks', () => {
    const plan = planOf(2, 1000);
    plan.add(tick, 1000);
    plan.remove(tick);
    plan.remove(tick);
    plan.remove({ tenant: ACME, channel: CARTS });
    const times = dueAt(plan, 1000, every(50, 0, 1000));
    expect([...times.keys()].sort()).toEqual(['tenant-0 orders.metrics', 'tenant-1 orders.metrics']);
    for (const tenant of ['tenant-0', 'tenant-1']) plan.remove({ tenant: tenantId(tenant), channel: ORDERS });
    expect(plan.intervals.size).toBe(0);
    expect(plan.due(1000, 5000)).toEqual([]);
  });

  test('wakes up at most 20 times an interval, and not more often than each 50 ms', () => {
    const slotLength = (interval: number) => {
      const plan = new TickPlan();
      plan.add(tick, interval);
      return plan.intervals.get(interval)!.slotLength;
    };
    expect(slotLength(100)).toBe(50);
    expect(slotLength(1000)).toBe(50);
    expect(slotLength(5000)).toBe(250);
    expect(slotLength(3_600_000)).toBe(180_000);
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 3_600_000 }), (interval) => {
        expect(slotLength(interval)).toBeGreaterThanOrEqual(50);
        expect(interval / slotLength(interval)).toBeLessThanOrEqual(20.000001);
      }),
    );
  });

  test('has each entry due once in each round, whenever it is asked', () => {
    const interval = fc.constantFrom(100, 170, 1000, 1100, 5000);
    const steps = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, size: 'medium' });
    fc.assert(
      fc.property(interval, fc.nat(1_000_000), steps, (length, start, pauses) => {
        const plan = planOf(30, length);
        const { slotLength } = plan.intervals.get(length)!;
        let now = start;
        plan.due(length, now);
        const from = now;
        const counts = new Map<string, number>();
        for (const pause of pauses) {
          // Not longer than a round: what a longer stall misses is lost on purpose.
          now += Math.min(pause, length - slotLength);
          for (const due of plan.due(length, now)) counts.set(keyOf(due), (counts.get(keyOf(due)) ?? 0) + 1);
        }
        const rounds = (now - from) / length;
        for (let index = 0; index < 30; index++) {
          const count = counts.get(`tenant-${index} ${ORDERS}`) ?? 0;
          expect(count).toBeGreaterThanOrEqual(Math.floor(rounds - 0.001));
          expect(count).toBeLessThanOrEqual(Math.ceil(rounds + 0.001));
        }
      }),
    );
  });
});
