import { INTERVALS, INTERVAL_NAMES, type Millis, type Resolution, type TenantId } from '../protocol/index.js';

const HOUR: Millis = 3_600_000;
export const DAY: Millis = 24 * HOUR;

/** Of an instant: whole days since 1970-01-01 UTC. */
export function dayOf(instant: Millis): number {
  return Math.floor(instant / DAY);
}

/** How finely history is kept, and for how long. */
export interface Level {
  readonly resolution: Resolution;
  /** Of a window; 0 for values as they were recorded. */
  readonly length: Millis;
  /** How long it is kept, where a tenant does not have it shorter. */
  readonly keptFor: Millis;
}

const KEPT_FOR: Readonly<Record<Resolution, Millis>> = {
  raw: 24 * HOUR,
  '1s': 48 * HOUR,
  '5s': 48 * HOUR,
  '1m': 30 * DAY,
  '5m': 90 * DAY,
  '1h': 2 * 365 * DAY,
};

/** From the finest to the coarsest, which is kept the longest. */
export const LEVELS: readonly Level[] = (['raw', ...INTERVAL_NAMES] as const).map((resolution) => ({
  resolution,
  length: resolution === 'raw' ? 0 : INTERVALS[resolution],
  keptFor: KEPT_FOR[resolution],
}));

export function levelOf(resolution: Resolution): Level {
  return LEVELS.find((level) => level.resolution === resolution)!;
}

/**
 * Since when all of a level is kept: a value before it may be gone, and a window that ends at or before it.
 *
 * @param retentionDays what the tenant has set; null where it has not.
 */
export function keptSince({ keptFor }: Level, now: Millis, retentionDays: number | null): Millis {
  return now - Math.min(keptFor, retentionDays === null ? Infinity : retentionDays * DAY);
}

/** The days for which tenants want their history kept at most. */
export interface RetentionDays {
  /** Null where the tenant has set none. */
  of(tenant: TenantId): number | null;
  /** Of all that have set any. */
  all(): ReadonlyMap<TenantId, number>;
}

/** The injection token of {@link RetentionDays}. */
export const RETENTION_DAYS = Symbol('metricast.retention-days');
