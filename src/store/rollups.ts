import {
  Aggregate,
  INTERVALS,
  type Millis,
  type SampleType,
  type Sketch,
  type Value,
  windowStart,
} from '../protocol/index.js';
import { keyedStatements } from './keyed-rows.js';
import type { SqlValue, Write } from './statement.js';
import { type RollupKey, storedSketches } from './stored-sketches.js';

/** A value of a series that was recorded. */
export interface RecordedValue extends Value {
  readonly series: number;
  readonly type: SampleType;
}

/** A counter was found to have grown by more or less with a value that was recorded before. */
export interface Correction {
  readonly series: number;
  readonly timestamp: Millis;
  /** Added to its increase. */
  readonly by: number;
}

/** What one write does to the rollups. */
export interface RollupPart {
  readonly values: readonly RecordedValue[];
  readonly corrections: readonly Correction[];
}

/** The aggregates of one window, by series. */
type Bucket = ReadonlyMap<number, Aggregate>;
/** The windows of one length, by their start. */
type Level = ReadonlyMap<Millis, Bucket>;

/**
 * What sums are cut off at: two of them can be added within the range of a double, and what one is cut off by another
 * can be added to. A database would refuse an infinite sum, and all that is written together with it.
 */
export const MAX_SUM = 8e307;

/**
 * Adds to the rollups of all levels. To be deferred: the writes of a transaction are mostly for the same few windows,
 * and each row is written once, in the order of its key.
 */
export function* writeRollups(parts: readonly RollupPart[]): Write<void> {
  const rows: [key: RollupKey, aggregate: Aggregate][] = [];
  let level = shortestWindows(parts);
  for (const length of Object.values(INTERVALS)) {
    level = mergeInto(length, level);
    for (const [bucket, aggregates] of inOrder(level)) {
      for (const [series, aggregate] of inOrder(aggregates)) rows.push([[length / 1000, bucket, series], aggregate]);
    }
  }
  const sketches = yield* storedSketches(rows.filter(([, { sketch }]) => sketch).map(([key]) => key));
  yield {
    into: 'metricast_rollup',
    columns: Object.keys(COLUMNS),
    types: Object.values(COLUMNS),
    rows: rows
      .filter(([, { count }]) => count > 0)
      .map(([key, aggregate]) => rowOf(key, aggregate, aggregate.sketch && sketches.get(key.join()))),
    onConflict: ADD,
  };
  // Where there is no row to correct there is none because it was deleted since, or never made.
  const corrections = rows.filter(([, { count, increase }]) => count === 0 && increase !== 0);
  const keys = corrections.map(([key, { increase }]) => [...key, cutOff(increase)]);
  const columns = ['resolution', 'bucket', 'series_id', 'increase double precision'];
  for (const statement of keyedStatements(columns, keys, CORRECT)) yield statement;
}

function shortestWindows(parts: readonly RollupPart[]): Level {
  const level = new Map<Millis, Map<number, Aggregate>>();
  const aggregateOf = (type: SampleType, series: number, timestamp: Millis) => {
    const start = windowStart(timestamp, INTERVALS['1s']);
    let bucket = level.get(start);
    if (!bucket) level.set(start, (bucket = new Map()));
    let aggregate = bucket.get(series);
    if (!aggregate) bucket.set(series, (aggregate = new Aggregate(type)));
    return aggregate;
  };
  for (const { values, corrections } of parts) {
    for (const value of values) aggregateOf(value.type, value.series, value.timestamp).add(value);
    for (const { series, timestamp, by } of corrections) aggregateOf('counter', series, timestamp).increase += by;
  }
  return level;
}

/** Windows of a length, of shorter ones. What there is but one of is what the longer one is, too. */
function mergeInto(length: Millis, finer: Level): Level {
  const level = new Map<Millis, Bucket>();
  for (const [start, bucket] of finer) {
    const longer = windowStart(start, length);
    const before = level.get(longer);
    level.set(longer, before ? merged(before, bucket) : bucket);
  }
  return level;
}

function merged(one: Bucket, other: Bucket): Bucket {
  const bucket = new Map(one);
  for (const [series, aggregate] of other) {
    const before = bucket.get(series);
    if (!before) {
      bucket.set(series, aggregate);
      continue;
    }
    const both = new Aggregate(aggregate.type);
    both.merge(before);
    both.merge(aggregate);
    bucket.set(series, both);
  }
  return bucket;
}

function inOrder<T>(entries: ReadonlyMap<number, T>): [number, T][] {
  return [...entries].sort(([one], [other]) => one - other);
}

function rowOf([resolution, bucket, series]: RollupKey, aggregate: Aggregate, stored: Sketch | undefined): SqlValue[] {
  const { count, sum, min, max, last, lastAt, increase, sketch } = aggregate;
  if (sketch) stored?.merge(sketch);
  const all = (stored ?? sketch)?.encode() ?? null;
  return [resolution, bucket, series, count, cutOff(sum), min, max, last, lastAt, cutOff(increase), all];
}

/** Infinities of both signs have become no number: then nothing is known. */
export function cutOff(sum: number): number {
  return Math.max(-MAX_SUM, Math.min(MAX_SUM, sum)) || 0;
}

/** The columns, and what PostgreSQL calls their types. */
const COLUMNS = {
  resolution: 'integer',
  bucket: 'bigint',
  series_id: 'integer',
  count: 'bigint',
  sum: 'double precision',
  min: 'double precision',
  max: 'double precision',
  last: 'double precision',
  last_at: 'bigint',
  increase: 'double precision',
  sketch: 'text',
};

/** In the SQL that both databases share. A sketch is the whole one already. */
const ADD = `ON CONFLICT (resolution, bucket, series_id) DO UPDATE SET
  count = metricast_rollup.count + excluded.count,
  sum = ${cutOffSql('metricast_rollup.sum + excluded.sum')},
  min = CASE WHEN excluded.min < metricast_rollup.min THEN excluded.min ELSE metricast_rollup.min END,
  max = CASE WHEN excluded.max > metricast_rollup.max THEN excluded.max ELSE metricast_rollup.max END,
  last = CASE WHEN excluded.last_at >= metricast_rollup.last_at THEN excluded.last ELSE metricast_rollup.last END,
  last_at = CASE WHEN excluded.last_at >= metricast_rollup.last_at THEN excluded.last_at ELSE metricast_rollup.last_at END,
  increase = ${cutOffSql('metricast_rollup.increase + excluded.increase')},
  sketch = excluded.sketch`;

const CORRECT = `UPDATE metricast_rollup SET increase = ${cutOffSql('metricast_rollup.increase + keyed.increase')}
  FROM keyed WHERE metricast_rollup.resolution = keyed.resolution AND metricast_rollup.bucket = keyed.bucket
    AND metricast_rollup.series_id = keyed.series_id`;

function cutOffSql(sum: string): string {
  return `CASE WHEN ${sum} > ${MAX_SUM} THEN ${MAX_SUM} WHEN ${sum} < -${MAX_SUM} THEN -${MAX_SUM} ELSE ${sum} END`;
}
