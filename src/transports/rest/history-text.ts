import { Inject, Injectable } from '@nestjs/common';
import type { Dialect, Event, HistoryQuery, Principal, Sample } from '../../protocol/index.js';
import type { Kept, OpenPage } from '../../store/index.js';
import { ChannelHistory } from '../connections/index.js';
import { CHANNELS_RENDERER } from './latest-messages.js';

/** What stands before the values of a page. */
const OPENING = '"metrics":[';

/** Values that are sent in one piece: a client that reads slowly has few of them waiting. */
const VALUES_A_PIECE = 100;

/** Pages of history as JSON, as the answer to `get_history`, made piece by piece. */
@Injectable()
export class HistoryText {
  constructor(
    private readonly history: ChannelHistory,
    @Inject(CHANNELS_RENDERER) private readonly dialect: Dialect,
  ) {}

  /** `undefined` where there is no such channel. The first values have been read when it resolves. */
  async of(principal: Principal, query: HistoryQuery): Promise<AsyncIterable<string> | undefined> {
    const page = await this.history.open(principal, query);
    if (!page) return undefined;
    const pieces = page.rows();
    const first = await pieces.next();
    return this.#textOf(query, page, first, pieces);
  }

  async *#textOf(
    query: HistoryQuery,
    page: OpenPage,
    first: IteratorResult<readonly Kept[]>,
    pieces: AsyncGenerator<readonly Kept[]>,
  ): AsyncGenerator<string> {
    const textOf = (messages: readonly (Sample | Event)[]) => this.#render(query, page, messages);
    const empty = textOf([]);
    const opening = empty.indexOf(OPENING) + OPENING.length;
    let text = empty.slice(0, opening);
    let separator = '';
    try {
      for (let piece = first; !piece.done; piece = await pieces.next()) {
        for (let start = 0; start === 0 || start < piece.value.length; start += VALUES_A_PIECE) {
          const messages = piece.value.slice(start, start + VALUES_A_PIECE).map(({ message }) => message);
          const values = textOf(messages).slice(opening, opening - empty.length);
          // Without values too: only in between is it noticed that the client went away.
          yield text + (values && separator) + values;
          text = '';
          if (values) separator = ',';
        }
      }
    } finally {
      // Who went away has no more read for them.
      await pieces.return(undefined);
    }
    // Only now is it known whether there is a next page.
    yield text + textOf([]).slice(opening);
  }

  #render(query: HistoryQuery, page: OpenPage, messages: readonly (Sample | Event)[]): string {
    const { channel, nextCursor, resolution } = page;
    const reply = { channel, messages, nextCursor, resolution };
    return JSON.stringify(
      this.dialect.renderReply({ type: 'history', command: { type: 'get_history', query }, page: reply }, Date.now()),
    );
  }
}
