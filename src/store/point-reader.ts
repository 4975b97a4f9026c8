import { Injectable } from '@nestjs/common';
import type { Millis, Place, Sample } from '../protocol/index.js';
import type { StoredSeries } from './channel-series.js';
import { type Kept, type Slice, comparePlaces, latestOf, placeBefore, placeOf } from './kept.js';
import { SqlReader } from './sql-reader.js';
import type { Row } from './statement.js';

/** Points that are read in one go. */
const MAX_ROWS = 2000;
/** The span of time that is read first of several series; how much there is in it says how long the next one is. */
const FIRST_WIDTH: Millis = 1000;
const COLUMNS = 'point_id, series_id, timestamp, value, increase';

/** What is read of points: those from a place on, and before an instant. */
export interface PointSpan {
  readonly after: Place;
  readonly end: Millis;
  /** About how many are wanted. */
  readonly wanted?: number;
}

/** Reads points as they were recorded, of one series or of many, in the order of their timestamps. */
@Injectable()
export class PointReader {
  constructor(private readonly sql: SqlReader) {}

  /** All that lie behind a place, in pieces. */
  slices(series: readonly StoredSeries[], { after, end, wanted = Infinity }: PointSpan): AsyncGenerator<Slice> {
    const size = Math.min(MAX_ROWS, wanted + 1);
    return series.length === 1 ? this.#ofOne(series[0]!, after, end, size) : this.#ofMany(series, after, end, size);
  }

  /** The timestamp of the first point in [from, to). */
  async first(from: Millis, to: Millis, seriesIds: readonly number[]): Promise<Millis | undefined> {
    const rows = await this.sql.rowsOf(
      seriesIds,
      [from],
      (list) => `SELECT MIN((
          SELECT point.timestamp FROM metricast_metric_point point
          WHERE point.series_id = series.series_id AND point.timestamp >= $1 ORDER BY point.timestamp LIMIT 1)) AS first
        FROM metricast_metric_series series WHERE series.series_id IN (${list})`,
    );
    const found = rows.flatMap(({ first }) => (first === null ? [] : [Number(first)]));
    const earliest = Math.min(...found);
    return earliest < to ? earliest : undefined;
  }

  async *#ofOne(series: StoredSeries, start: Place, end: Millis, size: number): AsyncGenerator<Slice> {
    let { timestamp } = start;
    let row = start.series === series.id ? start.row : 0;
    if (start.series > series.id) timestamp++;
    for (;;) {
      const rows = await this.#next(series.id, timestamp, row, end, size);
      const last = rows.at(-1);
      if (!last) return;
      yield { rows: rows.map((one) => keptOf(one, series)), reached: placeOfRow(last) };
      if (rows.length < size) return;
      ({ timestamp, row } = placeOfRow(last));
    }
  }

  /** Of the instant that was reached what is left, then of those after it: each is found without what was read before. */
  async #next(series: number, timestamp: Millis, row: number, end: Millis, size: number): Promise<readonly Row[]> {
    const select = `SELECT ${COLUMNS} FROM metricast_metric_point WHERE series_id = $1`;
    const left =
      row === 0
        ? []
        : await this.sql.rows(`${select} AND timestamp = $2 AND point_id > $3 ORDER BY point_id LIMIT ${size}`, [
            series,
            timestamp,
            row,
          ]);
    const from = row === 0 ? timestamp : timestamp + 1;
    if (left.length === size || from >= end) return left;
    const after = await this.sql.rows(
      `${select} AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp, point_id LIMIT $4`,
      [series, from, end, size - left.length],
    );
    return [...left, ...after];
  }

  /**
   * By spans of time that are as long as there is about so much in each. One that turns out to hold more is given up, and
   * a shorter one is read in its place.
   */
  async *#ofMany(series: readonly StoredSeries[], after: Place, end: Millis, size: number): AsyncGenerator<Slice> {
    const byId = new Map(series.map((one) => [one.id, one]));
    const ids = [...byId.keys()];
    let width = FIRST_WIDTH;
    let begin = await this.first(after.timestamp, end, ids);
    while (begin !== undefined) {
      const stop: Millis = Math.min(end, begin + width);
      const rows = await this.sql.rowsOf(
        ids,
        [begin, stop],
        (list) => `SELECT ${COLUMNS} FROM metricast_metric_point
          WHERE timestamp >= $1 AND timestamp < $2 AND series_id IN (${list}) LIMIT ${size + 1}`,
        size,
      );
      if (rows.length > size && stop - begin > 1) {
        width = Math.ceil((stop - begin) / 8);
        continue;
      }
      if (rows.length > size) yield* this.#ofInstant(byId, latestOf(after, placeBefore(begin)), size);
      else {
        const behind = rows.filter((row) => comparePlaces(placeOfRow(row), after) > 0);
        yield { rows: inOrder(behind, byId), reached: placeBefore(stop) };
      }
      // The next span will be like this one; but where there is nothing, there may be nothing for long.
      width = Math.ceil((stop - begin) * Math.min(8, Math.max(1 / 8, size / 2 / rows.length)));
      if (stop === end) return;
      begin = rows.length === 0 ? await this.first(stop, end, ids) : stop;
    }
  }

  /** What all series have at one instant, which may be more than is read in one go. */
  async *#ofInstant(byId: ReadonlyMap<number, StoredSeries>, start: Place, size: number): AsyncGenerator<Slice> {
    const { timestamp } = start;
    for (let after = start; ;) {
      // Of the series that it has come to, which may have very many by itself, what is left.
      const current = byId.get(after.series);
      if (current) yield* this.#ofOne(current, after, timestamp + 1, size);
      const rows = await this.sql.rowsOf(
        [...byId.keys()].filter((id) => id > after.series),
        [timestamp],
        (list) => `SELECT ${COLUMNS} FROM metricast_metric_point
          WHERE timestamp = $1 AND series_id IN (${list}) ORDER BY series_id, point_id LIMIT ${size + 1}`,
        size,
      );
      const hasMore = rows.length > size;
      const reached = hasMore ? placeOfRow(rows.at(-1)!) : placeBefore(timestamp + 1);
      yield { rows: inOrder(rows, byId), reached };
      if (!hasMore) return;
      after = reached;
    }
  }
}

function inOrder(rows: readonly Row[], byId: ReadonlyMap<number, StoredSeries>): Kept[] {
  const kept = rows.map((row) => keptOf(row, byId.get(Number(row['series_id']))!));
  return kept.sort((one, other) => comparePlaces(placeOf(one), placeOf(other)));
}

function keptOf(row: Row, { id, name, type, tags }: StoredSeries): Kept<Sample> {
  const [timestamp, value, increase] = [Number(row['timestamp']), Number(row['value']), row['increase']];
  const own = { kind: 'sample', name, type, value, timestamp, tags } as const;
  return {
    message: increase == null ? own : { ...own, increase: Number(increase) },
    stored: { row: Number(row['point_id']), series: id },
  };
}

function placeOfRow(row: Row): Place {
  return { timestamp: Number(row['timestamp']), series: Number(row['series_id']), row: Number(row['point_id']) };
}
