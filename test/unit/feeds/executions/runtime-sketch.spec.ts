import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bin, binOf, quantileOf } from '../../../../src/feeds/executions/runtime-sketch.js';

/** What a microsecond is to seconds: no state shows less. */
const SHORTEST = 1e-6;

describe('the sketch of runtimes', () => {
  it('says every quantile within 1 % of the exact one', () => {
    fc.assert(
      fc.property(fc.array(seconds, { minLength: 1, maxLength: 200 }), share, (values, q) => {
        const estimate = quantileOf(binsOf(values), q)!;

        expect(Math.abs(estimate - exactQuantile(values, q))).toBeLessThanOrEqual(
          Math.max(SHORTEST, exactQuantile(values, q) * 0.01 * (1 + 1e-9)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('is the same, however its values were spread over sketches that were put together', () => {
    fc.assert(
      fc.property(fc.array(seconds, { minLength: 1 }), fc.array(seconds), share, (some, others, q) => {
        const together = [...binsOf(some), ...binsOf(others)].sort((one, other) => one.bin - other.bin);

        expect(quantileOf(together, q)).toBe(quantileOf(binsOf([...some, ...others]), q));
      }),
    );
  });

  it('of nothing knows nothing', () => {
    expect(quantileOf([], 0.95)).toBeNull();
  });

  it('keeps zero as it is, and takes what is shorter than a microsecond for it', () => {
    expect(quantileOf(binsOf([0, 0, 1e-300, 0.9e-6]), 1)).toBe(0);
    expect(quantileOf(binsOf([0, 0, 1]), 1)).toBeCloseTo(1, 1);
  });

  it('has few bins, whatever the runtimes', () => {
    const bins = [binOf(SHORTEST), binOf(1e9)];

    expect(bins[1]! - bins[0]!).toBeLessThan(2000);
    expect(binOf(0)).toBeLessThan(bins[0]!);
  });

  it('counts up to the share, and no further', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);

    // The 95th of a hundred: as exact quantiles have it, the one at 0.95 · 99 from the first.
    expect(quantileOf(binsOf(values), 0.95)).toBeGreaterThanOrEqual(95 * 0.99);
    expect(quantileOf(binsOf(values), 0.95)).toBeLessThanOrEqual(95 * 1.01);
    expect(quantileOf(binsOf([...Array<number>(99).fill(1), 1000]), 0.95)).toBeCloseTo(1, 1);
  });
});

/** Anything that may be recorded: mostly near each other, and at the ends of what is allowed. */
const seconds = fc.oneof(
  fc.double({ min: 0, max: 1e9, noNaN: true }),
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.integer({ min: -60, max: 90 }).map((power) => 1.01 ** power),
  fc.constantFrom(0, SHORTEST, 1, 1e9),
);
const share = fc.oneof(fc.constantFrom(0, 0.5, 0.95, 0.99, 1), fc.double({ min: 0, max: 1, noNaN: true }));

function binsOf(values: readonly number[]): Bin[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(binOf(value), (counts.get(binOf(value)) ?? 0) + 1);
  return [...counts].map(([bin, count]) => ({ bin, count })).sort((one, other) => one.bin - other.bin);
}

function exactQuantile(values: readonly number[], q: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor(q * (values.length - 1))]!;
}
