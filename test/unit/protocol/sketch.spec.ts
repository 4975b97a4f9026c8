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
