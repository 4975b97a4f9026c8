import { hash } from 'node:crypto';
import { type ChannelName, type Sample, type TenantId, canonicalKey } from '../protocol/index.js';
import type { Write } from './statement.js';

/** Series looked up in one statement. */
const MAX_LOOKUP = 100;

export interface Metric {
  readonly channel: ChannelName;
  readonly sample: Sample;
  /** What {@link seriesKey} says of it: for who asks more than once for its series. */
  readonly seriesKey?: string;
  /** True for one of a state that was collected. Its series is another than that of what was recorded alike. */
  readonly isOfState?: boolean;
}

/** What keys and identities of the series of states begin with: no tenant does, and no hash. */
const STATE_MARK = '~';
/** Of such a series, in SQL. */
export const IS_OF_STATE = `identity LIKE '${STATE_MARK}%'`;

/**
 * Says which series of a tenant a sample is of. Of another type it is another series: its values mean something else. No
 * channel can hold a space, and what a tag set begins with cannot end a name unnoticed.
 */
export function seriesKey(channel: ChannelName, { type, name, tags }: Sample): string {
  return `${channel} ${type} ${JSON.stringify(name)} ${canonicalKey(tags)}`;
}

/** As {@link seriesKey}, among all tenants. None can hold a space. */
export function keyOf(tenant: TenantId, { channel, sample, seriesKey: key, isOfState = false }: Metric): string {
  return `${isOfState ? STATE_MARK : ''}${tenant} ${key ?? seriesKey(channel, sample)}`;
}

/** What stands for the key in the database: a key can be far longer than what an index takes. */
export function identityOf(key: string): string {
  const digest = hash('sha256', key, 'base64url');
  return key.startsWith(STATE_MARK) ? STATE_MARK + digest : digest;
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
