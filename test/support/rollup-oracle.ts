import { INTERVALS, type Quantiles, type SampleType } from '../../src/protocol/index.js';

/** A point as it is stored. */
export interface StoredPoint {
  readonly series: number;
  readonly type: SampleType;
  readonly timestamp: number;
  readonly value: number;
  readonly increase: number | null;
}

/** A row of the rollups, without its sketch. */
export interface StoredRollup {
  readonly resolution: number;
  readonly bucket: number;
  readonly series: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly last: number;
  readonly lastAt: number;
  readonly increase: number;
}

/** By how much counters grew with each point; null for what is none. The points are in the order of their arrival. */
export function increasesOf(points: readonly StoredPoint[]): (number | null)[] {
  return points.map((point, index) => {
    if (point.type !== 'counter') return null;
    let before: StoredPoint | undefined;
    points.forEach((other, place) => {
      if (other.series !== point.series) return;
      const isBefore = other.timestamp < point.timestamp || (other.timestamp === point.timestamp && place < index);
      if (isBefore && (!before || other.timestamp >= before.timestamp)) before = other;
    });
    return before && point.value >= before.value ? point.value - before.value : point.value;
  });
}

/**
 * All rollups of the points, by resolution, start and series, and of histograms what the quantiles really are. Each is
 * looked for among all of the points.
 */
export function expectedRollups(points: readonly StoredPoint[]): { rollup: StoredRollup; quantiles?: Quantiles }[] {
  const increases = increasesOf(points);
  const found = new Map<string, { rollup: StoredRollup; quantiles?: Quantiles }>();
  for (const length of Object.values(INTERVALS)) {
    for (const { series, timestamp } of points) {
      const bucket = Math.floor(timestamp / length) * length;
      const indices = points.flatMap((one, index) =>
        one.series === series && one.timestamp >= bucket && one.timestamp < bucket + length ? [index] : [],
      );
      const values = indices.map((index) => points[index]!.value);
      const lastAt = Math.max(...indices.map((index) => points[index]!.timestamp));
      const last = points[indices.findLast((index) => points[index]!.timestamp === lastAt)!]!;
      const rollup: StoredRollup = {
        resolution: length / 1000,
        bucket,
        series,
        count: values.length,
        sum: values.reduce((sum, value) => sum + value, 0),
        min: Math.min(...values),
        max: Math.max(...values),
        last: last.value,
        lastAt,
        increase: indices.reduce((sum, index) => sum + (increases[index] ?? 0), 0),
      };
      const quantiles = last.type === 'histogram' ? quantilesOf(values) : undefined;
      found.set(`${length} ${bucket} ${series}`, { rollup, quantiles });
    }
  }
  return [...found.values()].sort(
    ({ rollup: one }, { rollup: other }) =>
      one.resolution - other.resolution || one.bucket - other.bucket || one.series - other.series,
  );
}

function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((one, other) => one - other);
  const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
}
