import { Injectable } from '@nestjs/common';
import {
  Aggregate,
  INTERVALS,
  INTERVAL_NAMES,
  type Interval,
  type Millis,
  type SampleType,
  windowStart,
} from '../protocol/index.js';
import { SqlReader, groupsOf } from './sql-reader.js';
import type { Row } from './statement.js';
import { sketchOf } from './stored-sketches.js';

/** Windows of series that one statement looks for, unless there are more series. */
const MAX_SOUGHT = 4096;
/** Windows that are looked at for whether there is anything in them, before longer ones are. */
const FIRST_LOOK = 16;
/** Looks that pass over windows without a value, before it is left to the caller whether to go on. */
const MAX_LOOKS = 64;
/** Windows that are read in one turn. Of histograms each is a distribution, which takes its time. */
const MAX_READ = 256;

/** What the values of a series came to within one window. */
export interface StoredWindow {
  readonly start: Millis;
  readonly seriesId: number;
  readonly aggregateAs: (type: SampleType) => Aggregate;
}

/** How far windows without a value were passed over. */
export interface Passed {
  /** Before this there is nothing. */
  readonly to: Millis;
  /** Whether it ended there for it took long already: from there on nothing is known. */
  readonly gaveUp: boolean;
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
    const aggregates = new Map<number, Aggregate>();
    for (const some of groupsOf(seriesIds, MAX_READ)) {
      const rows = await this.sql.rowsOf(
        some,
        [start],
        (list) => `SELECT kept.*, series.type
          FROM metricast_rollup kept JOIN metricast_metric_series series ON series.series_id = kept.series_id
          WHERE kept.resolution = ${secondsOf(interval)} AND kept.bucket = $1 AND kept.series_id IN (${list})`,
      );
      for (const row of rows) {
        aggregates.set(Number(row['series_id']), aggregateOf(row, row['type'] as SampleType));
      }
    }
    return aggregates;
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
   * Passes over windows of these series that hold no value: to where the first one begins that does, of those that begin
   * in [from, to), or to `to`. Where that would take very long it stops before: up to there, too, there is nothing.
   *
   * @param seriesIds ascending.
   */
  async passOver(interval: Interval, from: Millis, to: Millis, seriesIds: readonly number[]): Promise<Passed> {
    const looks = { left: MAX_LOOKS };
    let begin = from;
    // A look for so many series is for few windows and takes several statements: what may do without is tried before.
    if (windowsAtOnce(seriesIds.length, FIRST_LOOK) < FIRST_LOOK) {
      const longest = INTERVAL_NAMES.at(-1)!;
      const used = await this.#passOverOthers(longest, windowStart(from, INTERVALS[longest]), to, seriesIds, looks);
      begin = Math.max(from, used);
    }
    const reached = await this.#passOver(interval, begin, to, seriesIds, looks);
    // What is found is found while there are looks left.
    return { to: reached, gaveUp: reached < to && looks.left <= 0 };
  }

  /** Times without any value are passed over by the windows of the coarser levels: these are kept at least as long. */
  async #passOver(
    interval: Interval,
    from: Millis,
    to: Millis,
    seriesIds: readonly number[],
    looks: { left: number },
  ): Promise<Millis> {
    const length = INTERVALS[interval];
    const longer = INTERVAL_NAMES[INTERVAL_NAMES.indexOf(interval) + 1];
    let begin = windowStart(from + length - 1, length);
    for (let wanted = FIRST_LOOK; begin < to && looks.left > 0; wanted *= 2) {
      const end = Math.min(to, begin + length * windowsAtOnce(seriesIds.length, wanted));
      const rows = await this.#rows(interval, begin, end, seriesIds, 'MIN(kept.bucket) AS first');
      const found = rows.flatMap(({ first }) => (first === null ? [] : [Number(first)]));
      if (found.length > 0) return Math.min(...found);
      looks.left--;
      const next = longer
        ? await this.#passOver(longer, windowStart(end, INTERVALS[longer]), to, seriesIds, looks)
        : await this.#passOverOthers(interval, end, to, seriesIds, looks);
      begin = Math.max(windowStart(end + length - 1, length), next);
    }
    return Math.min(begin, to);
  }

  /**
   * Passes over windows in which there is nothing of any series whose number lies among these: a step for each window,
   * however many series are asked for. Numbers are given in turn, so these windows are from before all of them.
   */
  async #passOverOthers(
    interval: Interval,
    from: Millis,
    to: Millis,
    seriesIds: readonly number[],
    looks: { left: number },
  ): Promise<Millis> {
    const length = INTERVALS[interval];
    const [least, greatest] = [seriesIds[0]!, seriesIds.at(-1)!];
    let begin = from;
    while (begin < to && looks.left > 0) {
      const used = await this.#firstOfAny(interval, begin);
      if (used === undefined || used >= to) return to;
      const end = Math.min(to, used + length * MAX_SOUGHT);
      const [found] = await this.sql.rows(
        `${openedBetween(length)} SELECT at FROM opened WHERE (
           SELECT 1 FROM metricast_rollup WHERE resolution = ${secondsOf(interval)} AND bucket = opened.at
             AND series_id >= $3 AND series_id <= $4 LIMIT 1) IS NOT NULL LIMIT 1`,
        [used, windowStart(end - 1, length), least, greatest],
      );
      looks.left -= 2;
      if (found) return Number(found['at']);
      begin = end;
    }
    return begin;
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
      (list) => `${openedBetween(length)}
        SELECT ${columns} FROM opened CROSS JOIN ${this.#keptOf(
          `resolution = ${secondsOf(interval)} AND bucket = opened.at AND series_id IN (${list})`,
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

/** The starts of windows from `$1` to `$2`. */
function openedBetween(length: Millis): string {
  return `WITH RECURSIVE opened(at) AS (
    SELECT CAST($1 AS bigint) UNION ALL SELECT at + ${length} FROM opened WHERE at < CAST($2 AS bigint))`;
}

/** How many windows of so many series are looked for at once, where so many would do. */
function windowsAtOnce(series: number, wanted: number): number {
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
  const sketch =
    type === 'histogram' && row['sketch'] != null
      ? sketchOf(row['sketch'] as string, Number(row['series_id']))
      : undefined;
  if (sketch) aggregate.sketch = sketch;
  return aggregate;
}
