import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type Publishable, type TenantId, canonicalKey } from '../protocol/index.js';
import { keyedStatements } from './keyed-rows.js';
import { dayOf } from './levels.js';
import { type RecordedValue } from './rollups.js';
import { type Metric, identityOf, keyOf, lookUp } from './series-identity.js';
import { SeriesRoom } from './series-room.js';
import type { Write } from './statement.js';
import { appendValues } from './value-rows.js';

/** Characters of the keys of series whose numbers are kept in memory: those written lately. */
const CACHED_CHARACTERS = 64 * 1024 * 1024;
/** What an entry takes beside its key. */
const ENTRY_OVERHEAD = 100;

/** Metrics that were not written, and what is to be called once the others are committed. */
export interface SurplusMetrics<M> {
  readonly metrics: ReadonlySet<M>;
  readonly remember: () => void;
}

/** Writes points into their series. */
@Injectable()
export class SeriesStore {
  /** Numbers of series, by key: of those that were written to on one day. */
  readonly #numbers = new LRUCache<string, number>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_number, key) => key.length + ENTRY_OVERHEAD,
  });
  #day = 0;
  readonly #room = new SeriesRoom();

  /**
   * Those of the metrics that would begin a series for which the tenant has no room. To be asked within the write that
   * appends the others.
   *
   * @param limit series that the tenant may have; 0 for no limit.
   */
  *surplus<M extends Metric>(tenant: TenantId, metrics: readonly M[], limit: number): Write<SurplusMetrics<M>> {
    const unknown = new Map<string, M[]>();
    const numbers = this.#numbersOn(today());
    if (limit > 0) {
      for (const metric of metrics) {
        const key = keyOf(tenant, metric);
        if (numbers.has(key)) continue;
        const alike = unknown.get(key);
        if (alike) alike.push(metric);
        else unknown.set(key, [metric]);
      }
    }
    if (unknown.size === 0) return NOTHING_SURPLUS;
    const { keys, remember } = yield* this.#room.surplus(tenant, [...unknown.keys()], limit);
    return { metrics: new Set([...keys].flatMap((key) => unknown.get(key)!)), remember };
  }

  /**
   * Appends the metrics' points, creating the series that are new, and adds them to the rollups. Returns what remembers
   * the numbers of the series, and says what is to be published: to be called once they are committed, because a
   * rollback takes away the series that it created.
   */
  *append(tenant: TenantId, metrics: readonly Metric[]): Write<() => readonly Publishable[]> {
    const day = today();
    const cached = this.#numbersOn(day);
    const keys = metrics.map((metric) => keyOf(tenant, metric));
    const known = keys.map((key) => cached.get(key));
    const unknown = new Map<string, Metric>();
    keys.forEach((key, index) => {
      if (known[index] === undefined) unknown.set(key, metrics[index]!);
    });
    const learned = yield* numbersOf(tenant, unknown, day);
    const values = metrics.map(({ sample: { type, value, timestamp, increase } }, index): RecordedValue => {
      return { series: known[index] ?? learned.get(keys[index]!)!, type, value, timestamp, increase };
    });
    const rows = yield* appendValues(values);
    return () => {
      const isToday = day === this.#day;
      if (isToday) for (const [key, number] of learned) this.#numbers.set(key, number);
      return metrics.map(({ channel, sample }, index) => {
        const { row, series, increase } = rows[index]!;
        const message = increase === undefined ? sample : { ...sample, increase };
        return { tenant, channel, message, stored: { row, series } };
      });
    };
  }

  /** Has the tenant's series counted again, because some of them were deleted: there is room for others. */
  forgetRoom(tenant: TenantId): void {
    this.#room.forget(tenant);
  }

  /** The cache of numbers. It holds those of one day only, so that whoever is written to is seen on each. */
  #numbersOn(day: number): LRUCache<string, number> {
    if (day !== this.#day) this.#numbers.clear();
    this.#day = day;
    return this.#numbers;
  }
}

const NOTHING_SURPLUS: SurplusMetrics<never> = { metrics: new Set(), remember: () => undefined };

function today(): number {
  return dayOf(Date.now());
}

/**
 * The numbers of the series, which are given by key; those that do not exist yet are created, and of the others it is
 * noted that they are written to on this day.
 */
function* numbersOf(
  tenant: TenantId,
  metrics: ReadonlyMap<string, Metric>,
  day: number,
): Write<ReadonlyMap<string, number>> {
  const pairs = [...metrics.keys()].map((key) => [identityOf(key), key] as const);
  const keys = new Map(pairs.sort(([one], [other]) => (one < other ? -1 : 1)));
  const existing = yield* lookUp([...keys.keys()]);
  yield* touch(
    [...existing.values()].filter(({ seenOn }) => seenOn < day).map(({ number }) => number),
    day,
  );
  const numbers = new Map([...existing].map(([identity, { number }]) => [keys.get(identity)!, number]));
  const missing = [...keys].filter(([identity]) => !existing.has(identity));
  if (missing.length === 0) return numbers;
  const created = yield {
    into: 'metricast_metric_series',
    columns: ['identity', 'tenant_id', 'channel', 'name', 'type', 'tags', 'seen_on'],
    rows: missing.map(([identity, key]) => {
      const { channel, sample } = metrics.get(key)!;
      return [identity, tenant, channel, sample.name, sample.type, canonicalKey(sample.tags), day];
    }),
    // Returns the row, too, that another instance created meanwhile.
    onConflict: 'ON CONFLICT (identity) DO UPDATE SET seen_on = excluded.seen_on',
    returning: ['series_id', 'identity'],
  };
  for (const row of created) numbers.set(keys.get(row['identity'] as string)!, Number(row['series_id']));
  return numbers;
}

function* touch(series: readonly number[], day: number): Write<void> {
  for (const statement of keyedStatements(
    ['series_id'],
    series.map((number) => [number]),
    `UPDATE metricast_metric_series SET seen_on = ${day} WHERE series_id IN (SELECT series_id FROM keyed)`,
  )) {
    yield statement;
  }
}
