import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type ChannelName, type Sample, type TenantId, canonicalKey } from '../protocol/index.js';
import type { Write } from './statement.js';
import { WriteQueue } from './write-queue.js';

/** Series whose numbers are kept in memory: those written lately. About 200 bytes each. */
const CACHED_SERIES = 200_000;

interface Metric {
  readonly channel: ChannelName;
  readonly sample: Sample;
}

interface Identity {
  readonly key: string;
  readonly columns: readonly [tenant: string, channel: string, name: string, type: string, tagsKey: string];
}

/** Writes points into their series. */
@Injectable()
export class SeriesStore {
  /** Numbers of series, by identity. */
  readonly #ids = new LRUCache<string, number>({ max: CACHED_SERIES });

  constructor(queue: WriteQueue) {
    // A transaction that is rolled back takes the series with it that it created.
    queue.onRollback(() => this.#ids.clear());
  }

  /** Appends the metrics' points, creating the series that are new. */
  *append(tenant: TenantId, metrics: readonly Metric[]): Write<void> {
    if (metrics.length === 0) return;
    const identities = metrics.map((metric) => identityOf(tenant, metric));
    const found = yield* this.#numbersOf(identities);
    yield {
      into: 'metricast_metric_point',
      columns: ['series_id', 'timestamp', 'value'],
      rows: metrics.map(({ sample }, index) => [found.get(identities[index]!.key)!, sample.timestamp, sample.value]),
    };
  }

  *#numbersOf(identities: readonly Identity[]): Write<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    const unknown = new Map<string, Identity>();
    for (const identity of identities) {
      const number = this.#ids.get(identity.key);
      if (number !== undefined) found.set(identity.key, number);
      else unknown.set(identity.key, identity);
    }
    if (unknown.size === 0) return found;
    for (const identity of unknown.values()) {
      const number = yield* this.#find(identity);
      if (number === undefined) continue;
      this.#ids.set(identity.key, number);
      found.set(identity.key, number);
      unknown.delete(identity.key);
    }
    if (unknown.size > 0) yield* this.#create([...unknown.values()], found);
    return found;
  }

  *#find({ columns: [tenant, channel, name, , tagsKey] }: Identity): Write<number | undefined> {
    const [row] = yield {
      sql: `SELECT series_id FROM metricast_metric_series
            WHERE tenant_id = $1 AND channel = $2 AND name = $3 AND tags_key = $4`,
      values: [tenant, channel, name, tagsKey],
    };
    return row && Number(row['series_id']);
  }

  *#create(identities: Identity[], found: Map<string, number>): Write<void> {
    identities.sort((a, b) => (a.key < b.key ? -1 : 1));
    const created = yield {
      into: 'metricast_metric_series',
      columns: ['tenant_id', 'channel', 'name', 'type', 'tags_key'],
      rows: identities.map(({ columns }) => columns),
      // Writes nothing new, but returns the row that another instance created meanwhile.
      onConflict: 'ON CONFLICT (tenant_id, channel, name, tags_key) DO UPDATE SET name = excluded.name',
      returning: ['series_id', 'tenant_id', 'channel', 'name', 'tags_key'],
    };
    for (const row of created) {
      const key = keyOf(row['tenant_id'], row['channel'], row['name'], row['tags_key']);
      found.set(key, Number(row['series_id']));
      this.#ids.set(key, Number(row['series_id']));
    }
  }
}

function identityOf(tenant: TenantId, { channel, sample }: Metric): Identity {
  const tagsKey = canonicalKey(sample.tags);
  return {
    key: keyOf(tenant, channel, sample.name, tagsKey),
    columns: [tenant, channel, sample.name, sample.type, tagsKey],
  };
}

/** Neither a tenant nor a channel can hold a space, and what a tag set begins with cannot end a name unnoticed. */
function keyOf(tenant: unknown, channel: unknown, name: unknown, tagsKey: unknown): string {
  return `${tenant as string} ${channel as string} ${JSON.stringify(name)} ${tagsKey as string}`;
}
