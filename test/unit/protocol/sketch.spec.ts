import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Aggregate, Sketch, binOf, middleOf } from '../../../src/protocol/index.js';
import { isWithin, lowerQuantile } from '../../support/quantiles.js';

const QUANTILES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
] as const;

/** Anything that may be observed: mostly near each other, and as far apart as numbers can be. */
const observation = fc
  .oneof(
    fc.integer({ min: -100, max: 100 }),
    fc.double({ min: 0, max: 1000, noNaN: true }),
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
    fc.integer({ min: -300, max: 300 }).map((power) => 10 ** power),
    fc.integer({ min: -300, max: 300 }).map((power) => -(10 ** power)),
    fc.constantFrom(0, 1, 1.01, 1e300, -1e300),
  )
  // Neither too small for its digits, nor a zero below zero.
  .map((value) => (Math.abs(value) < 1e-300 ? 0 : value));
const observations = fc.array(observation, { minLength: 1, maxLength: 300, size: 'max' });

function summaryOf(values: readonly number[]) {
  const aggregate = new Aggregate('histogram');
  for (const value of values) aggregate.add({ value, timestamp: 0 });
  return { ...aggregate.summary, ...aggregate.sketch!.quantiles(aggregate) };
}

describe('a sketch', () => {
  it('says every quantile within 1 % of the exact one, whatever was observed and in whatever order', () => {
    const orders = fc.constantFrom<((values: number[]) => number[])[]>(
      (values) => values,
      (values) => values.toSorted((one, other) => one - other),
      (values) => values.toSorted((one, other) => other - one),
    );
    const property = fc.property(observations, orders, (values, inOrder) => {
      const summary = summaryOf(inOrder(values));
      for (const [name, share] of QUANTILES) {
        expect(summary[name]).toSatisfy(isWithin(0.01, lowerQuantile(values, share)));
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('says exactly how many they were, what they sum up to, the least and the greatest', () => {
    fc.assert(
      fc.property(observations, (values) => {
        expect(summaryOf(values)).toMatchObject({
          count: values.length,
          sum: values.reduce((sum, value) => sum + value, 0),
          min: Math.min(...values),
          max: Math.max(...values),
        });
      }),
    );
  });

  it('has its quantiles in their order, and none beyond what was observed', () => {
    fc.assert(
      fc.property(observations, (values) => {
        const { min, p50, p95, p99, max } = summaryOf(values);
        expect([min, p50, p95, p99, max]).toEqual([min, p50, p95, p99, max].toSorted((one, other) => one - other));
      }),
    );
  });

  it('of one observation is that, exactly', () => {
    fc.assert(
      fc.property(observation, (value) => {
        expect(summaryOf([value])).toMatchObject({
          ...{ count: 1, sum: value, min: value, max: value },
          ...{ p50: value, p95: value, p99: value },
        });
      }),
    );
  });

  it('counts zeros, and what is below zero, where they belong', () => {
    expect(summaryOf([-8, 0, 0, 0, 8])).toMatchObject({ p50: 0, min: -8, max: 8 });
    expect(summaryOf([-8, -4, -2, -1, 1]).p50).toSatisfy(isWithin(0.01, -2));
    expect(summaryOf([...Array<number>(99).fill(-1000), 5]).p95).toSatisfy(isWithin(0.01, -1000));
  });

  it('takes memory by how far its observations are apart, and not by how many they are', () => {
    const sketch = new Sketch();
    const bytesAfter = (count: number) => {
      for (let at = 0; at < count; at++) sketch.add(1 + (at % 1000));
      return sketch.bytes;
    };
    const bytes = bytesAfter(1000);
    expect(bytesAfter(100_000)).toBe(bytes);
    // Three orders of magnitude, of which each takes some 115 bins.
    expect(bytes).toBeLessThan(20_000);
    expect(bytes).toBeGreaterThan(new Sketch().bytes);
  });
});

describe('a sketch of more than it can tell apart', () => {
  /** As far apart as numbers can be, on both sides of zero: each in a bin of its own. */
  const spread = Array.from({ length: 70_000 }, (_, index) => {
    const power = -300 + (600 * (index % 35_000)) / 35_000;
    return index < 35_000 ? 10 ** power : -(10 ** power);
  });
  const { min, max, sum } = { min: Math.min(...spread), max: Math.max(...spread), sum: 0 };
  const extremes = { count: spread.length, sum, min, max };
  const sketchOf = (values: readonly number[]) => {
    const sketch = new Sketch();
    for (const value of values) sketch.add(value);
    return sketch;
  };

  it('stays small, in memory, stored, and merged from small ones', () => {
    const merged = new Sketch();
    for (let start = 0; start < spread.length; start += 1000) merged.merge(sketchOf(spread.slice(start, start + 1000)));
    for (const sketch of [sketchOf(spread), merged]) {
      expect(sketch.bytes).toBeLessThan(250_000);
      expect(sketch.encode().length).toBeLessThan(25_000);
    }
  });

  it('is right of the values furthest from zero, and counts all others as zero', () => {
    const { p50, p95, p99 } = sketchOf(spread).quantiles(extremes);
    expect(p99).toSatisfy(isWithin(0.01, lowerQuantile(spread, 0.99)));
    expect([p50, p95]).toEqual([0, 0]);
  });

  it('says the same whatever came first, and however it was merged and stored on its way', () => {
    const expected = sketchOf(spread).quantiles(extremes);
    const shuffled = fc.sample(fc.shuffledSubarray([...spread.keys()], { minLength: spread.length }), 1)[0]!;
    const orders = [spread.toReversed(), shuffled.map((index) => spread[index]!)];
    for (const values of orders) {
      let stored = new Sketch();
      for (let start = 0; start < values.length; start += 7000) {
        stored.merge(sketchOf(values.slice(start, start + 7000)));
        stored = Sketch.decode(stored.encode());
      }
      expect(stored.quantiles(extremes)).toEqual(expected);
    }
  });

  it('keeps 2,048 that it can, wherever they are', () => {
    const values = Array.from({ length: 2047 }, (_, index) => 1.021 ** index);
    const far = [...values, 1e300];
    const quantiles = sketchOf(far).quantiles({ count: far.length, sum: 0, min: 1, max: 1e300 });
    for (const [name, share] of QUANTILES) expect(quantiles[name]).toSatisfy(isWithin(0.01, lowerQuantile(far, share)));
  });
});

describe('a stored sketch', () => {
  it('says what was observed of those that it knows, where some were lost', () => {
    const sketch = new Sketch();
    for (const value of [1, 2, 3]) sketch.add(value);
    expect(sketch.quantiles({ count: 1000, sum: 0, min: 1, max: 500 }).p50).toSatisfy(isWithin(0.01, 2));
  });

  it.each([
    '',
    'null',
    '5',
    '[]',
    '[0]',
    '[0,[1.5,1],[]]',
    '[0,["a",1],[]]',
    '[0,[1],[]]',
    '[0,[1,-1],[]]',
    '[null,[],[]]',
  ])('is refused where it is none: %s', (text) => {
    expect(() => Sketch.decode(text)).toThrow();
  });
});

describe('a bin', () => {
  it('holds nothing that is further from its middle than 1 %', () => {
    const value = fc.double({ min: 1e-300, max: 1e300, noNaN: true, minExcluded: true });
    fc.assert(
      fc.property(value, (each) => {
        expect(middleOf(binOf(each))).toSatisfy(isWithin(0.01, each));
      }),
      { numRuns: 1000 },
    );
  });

  it('is after those of all smaller values', () => {
    expect([1e-9, 0.5, 1, 1.03, 2, 1e9].map(binOf)).toEqual(
      [1e-9, 0.5, 1, 1.03, 2, 1e9].map(binOf).toSorted((a, b) => a - b),
    );
    expect(binOf(1.03)).toBeGreaterThan(binOf(1));
  });
});
