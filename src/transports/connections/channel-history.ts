import { Injectable } from '@nestjs/common';
import { type Connection, Hub } from '../../hub/index.js';
import {
  type CommandOf,
  type Event,
  type HistoryQuery,
  MetricastError,
  type Principal,
  type Sample,
  bothFilters,
  parseChannelName,
} from '../../protocol/index.js';
import { HistoryPages, type Kept, type OpenPage } from '../../store/index.js';
import { Subscriptions } from './subscriptions.js';

/** Bytes of a page that is one frame: a connection's queue takes about twice as many. */
const MAX_BYTES = 512 * 1024;
/** What a value takes in a frame beside what it says and its channel: the names of its fields. */
const OVERHEAD_BYTES = 100;

/** Shows what was recorded in channels, to those who may subscribe to them. */
@Injectable()
export class ChannelHistory {
  constructor(
    private readonly hub: Hub,
    private readonly subscriptions: Subscriptions,
    private readonly pages: HistoryPages,
  ) {}

  /** A page, of what the principal may see; `undefined` where there is no such channel for them. */
  async open(principal: Principal, query: HistoryQuery): Promise<OpenPage | undefined> {
    const [channel] = await this.subscriptions.existing(principal, [query.channel]);
    if (!channel) return undefined;
    const filter = bothFilters(query.filter, principal.filter);
    return this.pages.open(principal.tenant, channel, query, filter);
  }

  /** @throws {@link MetricastError} `unknown_channel` for one that the principal could not subscribe to. */
  async answer(connection: Connection, command: CommandOf<'get_history'>): Promise<void> {
    // Who asks for page after page without reading them is not to be cut off for it.
    await this.hub.room(connection);
    const page = await this.open(connection.principal, command.query);
    if (!page) throw new MetricastError('unknown_channel', { channel: parseChannelName(command.query.channel) });
    const messages = await this.#fill(connection, page);
    const { channel, nextCursor, resolution } = page;
    this.hub.reply(connection, { type: 'history', command, page: { channel, messages, nextCursor, resolution } });
  }

  /** As much of a page as one frame may hold, but for a single value that is larger. */
  async #fill(connection: Connection, page: OpenPage): Promise<(Sample | Event)[]> {
    const messages: (Sample | Event)[] = [];
    let bytes = 0;
    let last: Kept | undefined;
    for await (const rows of page.rows()) {
      // Nobody waits for it any more.
      if (!connection.isOpen) return [];
      for (const row of rows) {
        bytes += Buffer.byteLength(JSON.stringify(row.message)) + OVERHEAD_BYTES + page.channel.length;
        if (bytes > MAX_BYTES && last) {
          page.endWith(last);
          return messages;
        }
        messages.push(row.message);
        last = row;
      }
    }
    return messages;
  }
}
