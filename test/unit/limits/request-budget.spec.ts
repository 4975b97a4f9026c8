import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RequestBudget } from '../../../src/limits/index.js';
import { MetricastError } from '../../../src/protocol/index.js';

/** A budget of so many requests a minute, and a clock that is set by hand. */
function budgetOf(limit: number) {
  let now = 1000;
  const budget = new RequestBudget(limit, () => now);
  /** 0, or the seconds to wait. */
  const take = (subject = 'ada') => {
    try {
      budget.take(subject);
      return 0;
    } catch (error) {
      return (error as MetricastError).details.retryAfter!;
    }
  };
  return { take, pass: (millis: number) => (now += millis) };
}

describe('a budget of requests', () => {
  test('is there at once, and comes back evenly', () => {
    const { take, pass } = budgetOf(6);
    expect(Array.from({ length: 7 }, () => take())).toEqual([0, 0, 0, 0, 0, 0, 10]);
    pass(9999);
    expect(take()).toBe(1);
    pass(1);
    expect([take(), take()]).toEqual([0, 10]);
    pass(600_000);
    expect(Array.from({ length: 7 }, () => take())).toEqual([0, 0, 0, 0, 0, 0, 10]);
  });

  test('is of one subject, and none with a limit of 0', () => {
    const { take } = budgetOf(1);
    expect([take('ada'), take('bob'), take('ada')]).toEqual([0, 0, 60]);
    const { take: takeAny } = budgetOf(0);
    expect(Array.from({ length: 1000 }, () => takeAny()).every((wait) => wait === 0)).toBe(true);
  });

  test('keeps to its limit over any time, and whoever waits as long as they are told gets through', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(5000), { maxLength: 200 }), (limit, pauses) => {
        const { take, pass } = budgetOf(limit);
        let [passed, elapsed] = [0, 0];
        for (const pause of pauses) {
          elapsed += pause;
          pass(pause);
          if (take() === 0) passed++;
        }
        expect(passed).toBeLessThanOrEqual(limit + (elapsed * limit) / 60_000 + 1e-6);
        const wait = take();
        pass(wait * 1000);
        if (wait > 0) expect(take()).toBe(0);
      }),
    );
  });
});
