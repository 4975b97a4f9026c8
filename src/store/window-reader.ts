import { Injectable } from '@nestjs/common';
import { INTERVALS, type Interval, type Millis, type Place, type Sample, windowStart } from '../protocol/index.js';
import type { StoredSeries } from './channel-series.js';
import { type Kept, type Slice, comparePlaces, placeBefore, placeOf } from './kept.js';
import { RollupReader, type StoredWindow, windowsAtOnce } from './rollup-reader.js';

/** Rows that are looked for in one go, unless there are more series. Of histograms each is a distribution to be read. */
const MAX_ROWS = 512;

/** What is read of windows: those from a place on that begin before an instant. */
export interface WindowSpan {
  readonly interval: Interval;
  readonly after: Place;
  readonly end: Millis;
  /** About how many are wanted. */
  readonly wanted?: number;
}

/** Reads the windows of many series in the order of their starts. */
@Injectable()
export class WindowReader {
  constructor(private readonly rollups: RollupReader) {}

  /** All that lie behind a place, in pieces. */
  async *slices(
    series: readonly StoredSeries[],
    { interval, after, end, wanted = Infinity }: WindowSpan,
  ): AsyncGenerator<Slice> {
    const byId = new Map(series.map((one) => [one.id, one]));
    const ids = [...byId.keys()];
    const length = INTERVALS[interval];
    let count = windowsAtOnce(ids.length, Math.ceil(Math.min(MAX_ROWS, wanted + 1) / ids.length));
    for (let begin: Millis | undefined = windowStart(after.timestamp, length); begin !== undefined && begin < end;) {
      const stop: Millis = Math.min(end, begin + count * length);
      const windows = await this.rollups.between(interval, begin, stop, ids);
      const rows = windows.map((window) => keptOf(window, byId.get(window.seriesId)!, interval));
      yield { rows: rows.filter((row) => comparePlaces(placeOf(row), after) > 0), reached: placeBefore(stop) };
      // Few of the windows held anything: the next look goes further.
      if (windows.length < (count * ids.length) / 2) count = windowsAtOnce(ids.length, count * 2);
      begin = windows.length === 0 ? await this.rollups.first(interval, stop, end, ids) : stop;
    }
  }
}

function keptOf(
  { start, seriesId, aggregateAs }: StoredWindow,
  series: StoredSeries,
  interval: Interval,
): Kept<Sample> {
  const { name, type, tags } = series;
  const { value, summary } = aggregateAs(type);
  const message = { kind: 'sample', name, type, value, timestamp: start, tags, summary, window: { interval } } as const;
  return { message, stored: { row: 0, series: seriesId } };
}
