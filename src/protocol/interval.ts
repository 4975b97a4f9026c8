import type { Millis } from './timestamp.js';

/** The lengths of the windows over which values can be aggregated, in milliseconds, from the shortest to the longest. */
export const INTERVALS = { '1s': 1000, '5s': 5000, '1m': 60_000, '5m': 300_000, '1h': 3_600_000 } as const;

/** One of {@link INTERVALS}. Each is a multiple of the one before it. */
export type Interval = keyof typeof INTERVALS;

/** How finely history resolves time: each value by itself, or windows of this length. */
export type Resolution = 'raw' | Interval;

export const INTERVAL_NAMES = Object.keys(INTERVALS) as Interval[];

/** Returns the value as an interval, or `undefined` where it is none. */
export function parseInterval(value: unknown): Interval | undefined {
  return typeof value === 'string' && Object.hasOwn(INTERVALS, value) ? (value as Interval) : undefined;
}

/** The window that an instant is in begins at a multiple of its length since 1970-01-01 UTC, whatever the local time. */
export function windowStart(instant: Millis, length: Millis): Millis {
  return instant - (instant % length);
}
