import { hash } from 'node:crypto';
import { type ChannelName, type Sample, type TenantId, canonicalKey } from '../protocol/index.js';
import type { Write } from './statement.js';

/** Series looked up in one statement. */
const MAX_LOOKUP = 100;

export interface Metric {
  readonly channel: ChannelName;
  readonly sample: Sample;
}

/**
 * Says which series a sample is of. Of another type it is another series: its values mean something else. Neither a
 * tenant nor a channel can hold a space, and what a tag set begins with cannot end a name unnoticed.
 */
export function keyOf(tenant: TenantId, { channel, sample }: Metric): string {
  return `${tenant} ${channel} ${sample.type} ${JSON.stringify(sample.name)} ${canonicalKey(sample.tags)}`;
}

/** What stands for the key in the database: a key can be far longer than what an index takes. */
export function identityOf(key: string): string {
  return hash('sha256', key, 'base64url');
}

/** A series that is stored. */
export interface KnownSeries {
  readonly number: number;
  /** The day on which it was last written to. */
  readonly seenOn: number;
}

/** The series with these identities, of those that exist. */
export function* lookUp(identities: readonly string[]): Write<Map<string, KnownSeries>> {
  const series = new Map<string, KnownSeries>();
  for (let start = 0; start < identities.length; start += MAX_LOOKUP) {
    const some = identities.slice(start, start + MAX_LOOKUP);
    const rows = yield {
      sql: `SELECT series_id, identity, seen_on FROM metricast_metric_series
            WHERE identity IN (${some.map((_, index) => `$${index + 1}`).join(', ')})`,
      values: some,
    };
    for (const { identity, series_id, seen_on } of rows) {
      series.set(identity as string, { number: Number(series_id), seenOn: Number(seen_on) });
    }
  }
  return series;
}
