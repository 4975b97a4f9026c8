import { Inject, Injectable } from '@nestjs/common';
import { INTERVALS, type Millis, type Place, type Resolution, windowStart } from '../protocol/index.js';
import { ChannelSeries, type StoredSeries } from './channel-series.js';
import { EventReader } from './event-reader.js';
import { type HistorySpan, type Kept, type Slice, latestOf, placeBefore } from './kept.js';
import { RETENTION_DAYS, type RetentionDays, keptSince, levelOf } from './levels.js';
import { PointReader } from './point-reader.js';
import { type Keeping, ResolutionFinder } from './resolution-finder.js';
import { WindowReader } from './window-reader.js';

/** A span of history that is being read. */
export interface History {
  readonly resolution: Resolution;
  /** Oldest first; each is read when it is asked for. */
  readonly slices: AsyncGenerator<Slice>;
}

/** Where a span that was read before is read on. */
export interface Continuation {
  readonly resolution: Resolution;
  readonly after: Place;
}

/** Reads what was recorded in channels, in pieces of a bounded size, so that neither memory nor others suffer by it. */
@Injectable()
export class HistoryReader {
  constructor(
    private readonly series: ChannelSeries,
    private readonly points: PointReader,
    private readonly windows: WindowReader,
    private readonly events: EventReader,
    private readonly finder: ResolutionFinder,
    @Inject(RETENTION_DAYS) private readonly retentionDays: RetentionDays,
  ) {}

  /** All of a span, oldest first: events, points, or windows where an interval is given. */
  async *rows(span: HistorySpan): AsyncGenerator<readonly Kept[]> {
    const { slices } = await this.open(span);
    for await (const { rows } of slices) if (rows.length > 0) yield rows;
  }

  /**
   * Begins to read a span, as finely as was asked; or less so, where that is not kept since all that was recorded in it.
   *
   * @param from where it is to go on.
   */
  async open(span: HistorySpan, from?: Continuation): Promise<History> {
    const { tenant, channel, start, filter, name, interval } = span;
    const asked = interval ?? 'raw';
    if (channel.endsWith('.events')) {
      return { resolution: 'raw', slices: this.events.slices(span, from?.after ?? placeBefore(start)) };
    }
    const series = await this.series.of(tenant, channel, filter, name);
    if (series.length === 0) return { resolution: from?.resolution ?? asked, slices: nothing() };
    const keeping = { now: Date.now(), retentionDays: this.retentionDays.of(tenant) };
    const seriesIds = series.map(({ id }) => id);
    const resolution = from?.resolution ?? (await this.finder.find(asked, span, seriesIds, keeping));
    const after = from?.after ?? firstPlace(start, resolution);
    return { resolution, slices: this.#slices(series, resolution, after, span, keeping) };
  }

  #slices(
    series: readonly StoredSeries[],
    resolution: Resolution,
    after: Place,
    { end, wanted }: HistorySpan,
    { now, retentionDays }: Keeping,
  ): AsyncGenerator<Slice> {
    if (resolution === 'raw') return this.points.slices(series, { after, end, wanted });
    // Of what lies before, there is only what is just about to be deleted: nobody's cursor has it looked through.
    const kept = firstPlace(keptSince(levelOf(resolution), now, retentionDays), resolution);
    return this.windows.slices(series, { interval: resolution, after: latestOf(after, kept), end, wanted });
  }
}

/** Where windows are asked for, the one that the span begins in is part of it. */
function firstPlace(start: Millis, resolution: Resolution): Place {
  return placeBefore(resolution === 'raw' ? start : windowStart(start, INTERVALS[resolution]));
}

async function* nothing(): AsyncGenerator<Slice> {}
