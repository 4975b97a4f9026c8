import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type TenantId, canonicalKey } from '../protocol/index.js';
import { type Metric, identityOf, keyOf, lookUp } from './series-identity.js';
import { SeriesRoom } from './series-room.js';
import type { Write } from './statement.js';

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
  /** Numbers of series, by key. */
  readonly #numbers = new LRUCache<string, number>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_number, key) => key.length + ENTRY_OVERHEAD,
  });
  readonly #room = new SeriesRoom();

  /**
   * Those of the metrics that would begin a series for which the tenant has no room. To be asked within the write that
   * appends the others.
   *
   * @param limit series that the tenant may have; 0 for no limit.
   */
  *surplus<M extends Metric>(tenant: TenantId, metrics: readonly M[], limit: number): Write<SurplusMetrics<M>> {
    const unknown = new Map<string, M[]>();
    if (limit > 0) {
      for (const metric of metrics) {
        const key = keyOf(tenant, metric);
        if (this.#numbers.has(key)) continue;
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
   * Appends the metrics' points, creating the series that are new. Returns what remembers the numbers of these series:
   * to be called once they are committed, because a rollback takes away those that it created.
   */
  *append(tenant: TenantId, metrics: readonly Metric[]): Write<() => void> {
    const keys = metrics.map((metric) => keyOf(tenant, metric));
    const known = new Map<string, number>();
    const unknown = new Map<string, Metric>();
    keys.forEach((key, index) => {
      const number = this.#numbers.get(key);
      if (number === undefined) unknown.set(key, metrics[index]!);
      else known.set(key, number);
    });
    const learned = yield* numbersOf(tenant, unknown);
    yield {
      into: 'metricast_metric_point',
      columns: ['series_id', 'timestamp', 'value'],
      rows: metrics.map(({ sample }, index) => {
        const key = keys[index]!;
        return [known.get(key) ?? learned.get(key)!, sample.timestamp, sample.value];
      }),
    };
    return () => {
      for (const [key, number] of learned) this.#numbers.set(key, number);
    };
  }
}

const NOTHING_SURPLUS: SurplusMetrics<never> = { metrics: new Set(), remember: () => undefined };

/** The numbers of the series, which are given by key; those that do not exist yet are created. */
function* numbersOf(tenant: TenantId, metrics: ReadonlyMap<string, Metric>): Write<ReadonlyMap<string, number>> {
  const pairs = [...metrics.keys()].map((key) => [identityOf(key), key] as const);
  const keys = new Map(pairs.sort(([one], [other]) => (one < other ? -1 : 1)));
  const existing = yield* lookUp([...keys.keys()]);
  const numbers = new Map([...existing].map(([identity, number]) => [keys.get(identity)!, number]));
  const missing = [...keys].filter(([identity]) => !existing.has(identity));
  if (missing.length === 0) return numbers;
  const created = yield {
    into: 'metricast_metric_series',
    columns: ['identity', 'tenant_id', 'channel', 'name', 'type', 'tags'],
    rows: missing.map(([identity, key]) => {
      const { channel, sample } = metrics.get(key)!;
      return [identity, tenant, channel, sample.name, sample.type, canonicalKey(sample.tags)];
    }),
    // Writes nothing new, but returns the row that another instance created meanwhile.
    onConflict: 'ON CONFLICT (identity) DO UPDATE SET identity = excluded.identity',
    returning: ['series_id', 'identity'],
  };
  for (const row of created) numbers.set(keys.get(row['identity'] as string)!, Number(row['series_id']));
  return numbers;
}
