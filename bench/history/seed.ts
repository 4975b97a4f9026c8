import type { INestApplicationContext } from '@nestjs/common';
import type { MetricInput, MetricsRecorder } from '../../src/recording/index.js';

export const CHANNEL = 'history.metrics';
export const NAME = 'request.duration';
export const POINTS_A_SERIES = 10_000;
export const DAY_MILLIS = 86_400_000;

const TENANT = 'local';
const BATCH = 10_000;

/** Series of one name, by host: gauges with a value each 8.64 s for a day. */
export interface Day {
  /** When it begins, at a full minute. */
  readonly begin: number;
  readonly series: number;
}

/** The tag that tells a series from the others. */
export function hostOf(series: number): string {
  return `host-${series}`;
}

/** Records the day in the order of time, as it would have come, by the server's own recorder. */
export async function record(app: INestApplicationContext, recorder: typeof MetricsRecorder, day: Day): Promise<void> {
  const metrics = app.get(recorder, { strict: false });
  const total = day.series * POINTS_A_SERIES;
  for (let start = 0; start < total; start += BATCH) {
    const points = Array.from({ length: Math.min(BATCH, total - start) }, (_, offset) => pointAt(day, start + offset));
    const { accepted } = await metrics.record(TENANT, points);
    if (accepted !== points.length) throw new Error('a point was rejected');
  }
}

function pointAt({ begin, series }: Day, index: number): MetricInput {
  const step = Math.floor(index / series);
  return {
    channel: CHANNEL,
    name: NAME,
    type: 'gauge',
    value: ((index * 7919) % 100_000) / 1000,
    tags: { host: hostOf(index % series) },
    timestamp: (begin + (step * DAY_MILLIS) / POINTS_A_SERIES) / 1000,
  };
}
