import { Injectable } from '@nestjs/common';
import { INTERVALS, type Interval, type Millis, type Place, type Sample, windowStart } from '../protocol/index.js';
import type { StoredSeries } from './channel-series.js';
import { type Kept, type Slice, comparePlaces, placeBefore } from './kept.js';
import { RollupReader, type StoredWindow } from './rollup-reader.js';
import { groupsOf } from './sql-reader.js';

/** Windows that are looked for in one go. */
const MAX_ROWS = 512;
/** Of histograms each is a distribution, which takes its time. */
const MAX_DISTRIBUTIONS = 128;

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

  /** All that lie behind a place, in pieces: some windows of all series, or one window of some. */
  async *slices(
    series: readonly StoredSeries[],
    { interval, after, end, wanted = Infinity }: WindowSpan,
  ): AsyncGenerator<Slice> {
    const byId = new Map(series.map((one) => [one.id, one]));
    const ids = [...byId.keys()];
    const length = INTERVALS[interval];
    const most = series.some(({ type }) => type === 'histogram') ? MAX_DISTRIBUTIONS : MAX_ROWS;
    const windowsIn = (rows: number) => Math.max(1, Math.floor(Math.min(most, rows) / ids.length));
    let count = windowsIn(wanted + 1);
    for (let begin = windowStart(after.timestamp, length); begin < end;) {
      const stop: Millis = Math.min(end, begin + count * length);
      let found = 0;
      // Where there are several groups, it is of one window.
      const left = ids.length > most && begin === after.timestamp ? ids.filter((id) => id > after.series) : ids;
      for (const group of groupsOf(left, most)) {
        const windows = await this.rollups.between(interval, begin, stop, group);
        found += windows.length;
        const behind = windows.filter(({ start, seriesId }) => comparePlaces(placeIn(start, seriesId), after) > 0);
        yield {
          rows: behind.map((window) => keptOf(window, byId.get(window.seriesId)!, interval)),
          reached: group.at(-1) === ids.at(-1) ? placeBefore(stop) : placeIn(begin, group.at(-1)!),
        };
      }
      // Few of the windows held anything: the next look goes further.
      if (found < (count * ids.length) / 2) count = windowsIn(2 * count * ids.length);
      begin = found === 0 ? (await this.rollups.passOver(interval, stop, end, ids)).to : stop;
    }
  }
}

function placeIn(timestamp: Millis, series: number): Place {
  return { timestamp, series, row: 0 };
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
