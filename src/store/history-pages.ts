import { Injectable } from '@nestjs/common';
import {
  type ChannelName,
  type HistoryQuery,
  type Millis,
  type Place,
  type Resolution,
  type TagFilter,
  type TenantId,
  historyCursorOf,
} from '../protocol/index.js';
import { HistoryReader } from './history-reader.js';
import { type Kept, type Slice, placeOf } from './kept.js';

/** How long a page is read: one for which very much has to be looked at ends earlier, and the next one goes on there. */
const PATIENCE: Millis = 5000;

/** Reads history in pages. */
@Injectable()
export class HistoryPages {
  constructor(private readonly history: HistoryReader) {}

  /**
   * Begins to read a page.
   *
   * @param filter what is wanted and may be seen.
   */
  async open(tenant: TenantId, channel: ChannelName, query: HistoryQuery, filter: TagFilter): Promise<OpenPage> {
    const { start, name, interval, limit, cursor } = query;
    // What is recorded in this very millisecond has been recorded before.
    const end = cursor?.end ?? query.end ?? Date.now() + 1;
    const span = { tenant, channel, start, end, filter, name, interval, wanted: limit };
    const { resolution, slices } = await this.history.open(span, cursor);
    return new OpenPage({ channel, resolution, end }, limit, slices);
  }
}

/** A page that is being read. */
export class OpenPage {
  readonly channel: ChannelName;
  readonly resolution: Resolution;
  /** Known when all its rows were read: what to ask for the next page with; null where there is none. */
  nextCursor: string | null = null;

  constructor(
    private readonly what: { channel: ChannelName; resolution: Resolution; end: Millis },
    private readonly limit: number,
    private readonly slices: AsyncGenerator<Slice>,
  ) {
    ({ channel: this.channel, resolution: this.resolution } = what);
  }

  /**
   * Oldest first; each piece is read when it is asked for. Some are empty, where much has to be looked through: who does
   * not want the rest any more need not wait for what comes after them.
   */
  async *rows(): AsyncGenerator<readonly Kept[]> {
    let left = this.limit;
    let reached: Place | undefined;
    let isCut = false;
    try {
      for (let spent = 0; !isCut && spent < PATIENCE;) {
        const begin = performance.now();
        const { value: slice, done } = await this.slices.next();
        spent += performance.now() - begin;
        if (done) return;
        const rows = slice.rows.slice(0, left);
        left -= rows.length;
        // That there is one more says that this is not the last page.
        isCut = rows.length < slice.rows.length;
        if (left > 0) ({ reached } = slice);
        else if (rows.length > 0) reached = placeOf(rows.at(-1)!);
        yield rows;
      }
    } finally {
      await this.slices.return(undefined);
    }
    this.nextCursor = reached ? this.#cursor(reached) : null;
  }

  /** Has the page end with this row, which was not the last one. */
  endWith(row: Kept): void {
    this.nextCursor = this.#cursor(placeOf(row));
  }

  #cursor(after: Place): string {
    return historyCursorOf({ ...this.what, after });
  }
}
