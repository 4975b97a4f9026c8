import { expect, it } from 'vitest';
import { CounterGrowth } from '../../../src/metrics/counter-growth.js';

function grown(growth: CounterGrowth, key: string, value: number): number {
  const by = growth.of(key, value);
  growth.remember(key, value);
  return by;
}

it('a counter grows by the difference to the value before, and by all it has where it fell', () => {
  const growth = new CounterGrowth();
  expect([7, 9, 9, 2, 5].map((value) => grown(growth, 'a', value))).toEqual([0, 2, 0, 2, 3]);
});

it('asking changes nothing: growth is counted from what was remembered', () => {
  const growth = new CounterGrowth();
  growth.remember('a', 10);
  expect([growth.of('a', 15), growth.of('a', 15)]).toEqual([5, 5]);
});

it('of too many counters, those looked at longest ago begin anew', () => {
  const growth = new CounterGrowth(2);
  for (const key of ['a', 'b', 'a', 'c']) grown(growth, key, 1);
  expect(['a', 'b', 'c'].map((key) => growth.of(key, 4))).toEqual([3, 0, 3]);
});
