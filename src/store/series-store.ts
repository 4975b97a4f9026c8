import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type ChannelName, type Sample, type TenantId, canonicalKey } from '../protocol/index.js';
import type { Write } from './statement.js';

/** Characters of the keys of series whose numbers are kept in memory: those written lately. */
const CACHED_CHARACTERS = 64 * 1024 * 1024;
/** What an entry takes beside its key. */
const ENTRY_OVERHEAD = 100;
/** Series looked up in one statement. */
const MAX_LOOKUP = 100;

interface Metric {
  readonly channel: ChannelName;
  readonly sample: Sample;
}

/** Writes points into their series. */
@Injectable()
export class SeriesStore {
  /** Numbers of series, by key. */
  readonly #numbers = new LRUCache<string, number>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_number, key) => key.length + ENTRY_OVERHEAD,
  });

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

/** The numbers of the series, which are given by key; those that do not exist yet are created. */
function* numbersOf(tenant: TenantId, metrics: ReadonlyMap<string, Metric>): Write<ReadonlyMap<string, number>> {
  const pairs = [...metrics.keys()].map((key) => [hash('sha256', key, 'base64url'), key] as const);
  const missing = new Map(pairs.sort(([one], [other]) => (one < other ? -1 : 1)));
  const numbers = new Map<string, number>();
  const take = (rows: readonly Readonly<Record<string, unknown>>[]) => {
    for (const row of rows) {
      const identity = row['identity'] as string;
      numbers.set(missing.get(identity)!, Number(row['series_id']));
      missing.delete(identity);
    }
  };
  const identities = [...missing.keys()];
  for (let start = 0; start < identities.length; start += MAX_LOOKUP) {
    const some = identities.slice(start, start + MAX_LOOKUP);
    take(
      yield {
        sql: `SELECT series_id, identity FROM metricast_metric_series
              WHERE identity IN (${some.map((_, index) => `$${index + 1}`).join(', ')})`,
        values: some,
      },
    );
  }
  if (missing.size === 0) return numbers;
  take(
    yield {
      into: 'metricast_metric_series',
      columns: ['identity', 'tenant_id', 'channel', 'name', 'type', 'tags'],
      rows: [...missing].map(([identity, key]) => {
        const { channel, sample } = metrics.get(key)!;
        return [identity, tenant, channel, sample.name, sample.type, canonicalKey(sample.tags)];
      }),
      // Writes nothing new, but returns the row that another instance created meanwhile.
      onConflict: 'ON CONFLICT (identity) DO UPDATE SET identity = excluded.identity',
      returning: ['series_id', 'identity'],
    },
  );
  return numbers;
}

/**
 * Says which series a sample is of. Of another type it is another series: its values mean something else. Neither a
 * tenant nor a channel can hold a space, and what a tag set begins with cannot end a name unnoticed.
 */
function keyOf(tenant: TenantId, { channel, sample }: Metric): string {
  return `${tenant} ${channel} ${sample.type} ${JSON.stringify(sample.name)} ${canonicalKey(sample.tags)}`;
}
