import { Injectable } from '@nestjs/common';
import {
  Aggregate,
  INTERVALS,
  INTERVAL_NAMES,
  type Interval,
  type Millis,
  type SampleType,
  Sketch,
  windowStart,
} from '../protocol/index.js';
import { SqlReader } from './sql-reader.js';
import type { Row } from './statement.js';

/** Rows that one statement looks for, unless there are more series. */
const MAX_SOUGHT = 4096;
/** Windows that are looked at for whether there is anything in them, before longer ones are. */
const FIRST_LOOK = 16;

/** What the values of a series came to within one window. */
export interface StoredWindow {
  readonly start: Millis;
  readonly seriesId: number;
  readonly aggregateAs: (type: SampleType) => Aggregate;
}

/**
 * Reads what the values of series came to within windows. Each window of each series is a step into the index: which
 * windows there are in a span of time is known without looking.
 */
@Injectable()
export class RollupReader {
  constructor(private readonly sql: SqlReader) {}

  /** The numbers of the window that begins at an instant, by series; nothing for a series without a value in it. */
  async at(interval: Interval, start: Millis, seriesIds: readonly number[]): Promise<Map<number, Aggregate>> {
    const rows = await this.sql.rowsOf(
      seriesIds,
      [start],
      (list) => `SELECT kept.*, series.type
        FROM metricast_rollup kept JOIN metricast_metric_series series ON series.series_id = kept.series_id
        WHERE kept.resolution = ${secondsOf(interval)} AND kept.bucket = $1 AND kept.series_id IN (${list})
          AND kept.count > 0`,
    );
    return new Map(rows.map((row) => [Number(row['series_id']), aggregateOf(row, row['type'] as SampleType)]));
  }

  /** The windows of these series that begin in [from, to), of those that hold any value: by when, then by series. */
  async between(
    interval: Interval,
    from: Millis,
    to: Millis,
    seriesIds: readonly number[],
  ): Promise<readonly StoredWindow[]> {
    const rows = await this.#rows(interval, from, to, seriesIds, 'kept.*');
    const windows = rows.map((row) => ({
      start: Number(row['bucket']),
      seriesId: Number(row['series_id']),
      aggregateAs: (type: SampleType) => aggregateOf(row, type),
    }));
    return windows.sort((one, other) => one.start - other.start || one.seriesId - other.seriesId);
  }

  /**
   * When the first window of these series begins that holds any value, of those that begin in [from, to). Times without
   * any are passed over by the windows of the coarser levels: these are kept at least as long.
   */
  async first(interval: Interval, from: Millis, to: Millis, seriesIds: readonly number[]): Promise<Millis | undefined> {
    const length = INTERVALS[interval];
    const longer = INTERVAL_NAMES[INTERVAL_NAMES.indexOf(interval) + 1];
    let begin = windowStart(from + length - 1, length);
    while (begin < to) {
      const end = Math.min(to, begin + length * windowsAtOnce(seriesIds.length, FIRST_LOOK));
      const rows = await this.#rows(interval, begin, end, seriesIds, 'MIN(kept.bucket) AS first');
      const found = rows.flatMap(({ first }) => (first === null ? [] : [Number(first)]));
      if (found.length > 0) return Math.min(...found);
      const next = longer
        ? await this.first(longer, windowStart(end, INTERVALS[longer]), to, seriesIds)
        : await this.#firstOfAny(interval, end);
      if (next === undefined) return undefined;
      begin = Math.max(windowStart(end + length - 1, length), next);
    }
    return undefined;
  }

  /** When the first window of whichever series begins, from an instant on. */
  async #firstOfAny(interval: Interval, from: Millis): Promise<Millis | undefined> {
    const [row] = await this.sql.rows(
      `SELECT bucket FROM metricast_rollup WHERE resolution = ${secondsOf(interval)} AND bucket >= $1
       ORDER BY bucket LIMIT 1`,
      [from],
    );
    return row && Number(row['bucket']);
  }

  async #rows(
    interval: Interval,
    from: Millis,
    to: Millis,
    seriesIds: readonly number[],
    columns: string,
  ): Promise<readonly Row[]> {
    const length = INTERVALS[interval];
    const [first, last] = [windowStart(from + length - 1, length), windowStart(to - 1, length)];
    if (last < first) return [];
    return this.sql.rowsOf(
      seriesIds,
      [first, last],
      (list) => `WITH RECURSIVE opened(at) AS (
          SELECT CAST($1 AS bigint) UNION ALL SELECT at + ${length} FROM opened WHERE at < CAST($2 AS bigint))
        SELECT ${columns} FROM opened CROSS JOIN ${this.#keptOf(
          `resolution = ${secondsOf(interval)} AND bucket = opened.at AND series_id IN (${list}) AND count > 0`,
        )}`,
    );
  }

  /**
   * The rows that a condition of each instant is true of, found by the index for one instant after the other. SQLite takes
   * a cross join in the order in which it is written; PostgreSQL does so where it cannot do otherwise.
   */
  #keptOf(condition: string): string {
    return this.sql.isPostgres
      ? `LATERAL (SELECT * FROM metricast_rollup WHERE ${condition} OFFSET 0) kept`
      : `metricast_rollup kept WHERE ${condition}`;
  }
}

/** How many windows of so many series are looked for at once, where so many would do. */
export function windowsAtOnce(series: number, wanted: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(MAX_SOUGHT / series)));
}

function secondsOf(interval: Interval): number {
  return INTERVALS[interval] / 1000;
}

function aggregateOf(row: Row, type: SampleType): Aggregate {
  const aggregate = new Aggregate(type);
  aggregate.count = Number(row['count']);
  aggregate.sum = Number(row['sum']);
  aggregate.min = Number(row['min']);
  aggregate.max = Number(row['max']);
  aggregate.last = Number(row['last']);
  aggregate.lastAt = Number(row['last_at']);
  aggregate.increase = Number(row['increase']);
  if (type === 'histogram' && row['sketch'] != null) aggregate.sketch = Sketch.decode(row['sketch'] as string);
  return aggregate;
}
