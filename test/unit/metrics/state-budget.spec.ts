import { beforeEach, describe, expect, test } from 'vitest';
import { StateBudget } from '../../../src/metrics/state-budget.js';
import { ACME, tenantId } from '../../support/principals.js';
import { ORDERS, channelName } from '../../support/publications.js';

const TICK = { tenant: ACME, channel: ORDERS };
const A_SECOND = 1000;

let budget: StateBudget;
beforeEach(() => {
  budget = new StateBudget();
});

/** How many of so many ticks, so far apart, may be taken. */
function taken({ ticks, apart, perMinute }: { ticks: number; apart: number; perMinute: number }, from = 0): number {
  let count = 0;
  for (let tick = 0; tick < ticks; tick++) if (budget.take(TICK, perMinute, from + tick * apart)) count++;
  return count;
}

describe('a budget of states', () => {
  test('lets through as many ticks as there may be in a minute, for ever', () => {
    expect(taken({ ticks: 3600, apart: A_SECOND, perMinute: 60 })).toBe(3600);
  });

  test('lets so many through at once, and then one whenever it is time for it', () => {
    expect(taken({ ticks: 600, apart: 0, perMinute: 60 })).toBe(60);
    expect(taken({ ticks: 600, apart: 100, perMinute: 60 })).toBe(60);
  });

  test('never lets through more than twice that in any minute, however many ticks there are', () => {
    expect(taken({ ticks: 6000, apart: 10, perMinute: 30 })).toBeLessThanOrEqual(61);
  });

  test('is unlimited where it is 0', () => {
    expect(taken({ ticks: 10_000, apart: 0, perMinute: 0 })).toBe(10_000);
  });

  test('is each channel’s own, and each tenant’s', () => {
    expect(taken({ ticks: 100, apart: 0, perMinute: 10 })).toBe(10);
    expect(budget.take({ ...TICK, channel: channelName('other.metrics') }, 10, 0)).toBe(true);
    expect(budget.take({ ...TICK, tenant: tenantId('other') }, 10, 0)).toBe(true);
  });

  test('is not saved up beyond a minute’s', () => {
    expect(taken({ ticks: 10, apart: 0, perMinute: 10 })).toBe(10);
    expect(taken({ ticks: 100, apart: 0, perMinute: 10 }, 3600 * A_SECOND)).toBe(10);
  });

  test('follows the number that is given, which may change', () => {
    expect(taken({ ticks: 10, apart: 0, perMinute: 10 })).toBe(10);
    expect(taken({ ticks: 100, apart: 0, perMinute: 600 }, A_SECOND)).toBe(10);
  });
});
