import { Injectable, Logger } from '@nestjs/common';
import { type Connection, Hub } from '../../hub/index.js';
import { Collectors, Windows } from '../../metrics/index.js';
import {
  type CommandId,
  INTERVALS,
  MetricastError,
  type Millis,
  type Subscription,
  describeThrown,
  isoTimestamp,
  windowStart,
} from '../../protocol/index.js';
import { HistoryReader, type HistorySpan } from '../../store/index.js';
import { Tenants } from '../../tenants/index.js';
import { type Held, PastSender } from './past-sender.js';

/** Values of one channel that a subscribe begins with, at most. */
const MOST_VALUES = 50_000;
/** By so much a timestamp may be ahead of its recording, and a little more. */
const AHEAD: Millis = 6 * 60_000;

/** What a subscribe is to begin with. */
export interface Since {
  readonly since: Millis;
  readonly id?: CommandId;
}

/** Sends subscriptions the history of their channels before what is published from now on. */
@Injectable()
export class Backfill {
  readonly #logger = new Logger(Backfill.name);
  /** What each connection is being sent: one channel after the other, or its reader would wait for all of them. */
  readonly #underWay = new WeakMap<Connection, Promise<void>>();

  constructor(
    private readonly hub: Hub,
    private readonly collectors: Collectors,
    private readonly windows: Windows,
    private readonly history: HistoryReader,
    private readonly tenants: Tenants,
    private readonly past: PastSender,
  ) {}

  /** Whether there is a history of what a subscription is sent. Of a channel that shows itself as a whole, its points are kept. */
  isThere({ channel, format, interval }: Subscription): boolean {
    return !this.collectors.has(channel) || format === 'points' || interval !== undefined;
  }

  /**
   * Begins to send subscriptions of one connection, which are held, what was recorded since. Whatever else the connection
   * asks for is answered meanwhile.
   */
  begin(connection: Connection, all: readonly Held[], since: Since): void {
    // By its id, what is published on one channel of a stream says that the others are as far.
    const isTogether = connection.transport.name === 'sse';
    const spans = new Map(all.map((held) => [held, this.#spanOf(held, since.since)]));
    const before = this.#underWay.get(connection) ?? Promise.resolve();
    const filling = before.then(async () => {
      for (const [held, span] of spans) {
        await this.#fill(held, span, since);
        if (!isTogether) this.past.release(held, span.end);
      }
      if (isTogether) for (const [held, { end }] of spans) this.past.release(held, end);
    });
    this.#underWay.set(connection, filling);
  }

  /** In the turn in which it is held, or there is a window that nobody sends. */
  #spanOf({ connection, channel, subscription }: Held, start: Millis): HistorySpan {
    const { tenant } = connection.principal;
    const { filter } = connection.memberships.get(channel)!.audience;
    const span = { tenant, channel, start, end: Date.now() + AHEAD, filter };
    const { interval } = subscription;
    if (!interval || channel.endsWith('.events')) return span;
    const end = this.windows.openFrom(tenant, channel, interval) ?? windowStart(Date.now(), INTERVALS[interval]);
    return { ...span, start: windowStart(start, INTERVALS[interval]), end, interval };
  }

  /** Does not reject. */
  async #fill(held: Held, span: HistorySpan, { id }: Since): Promise<void> {
    try {
      await this.#read(held, span, id);
      // What came late for a window is in what was read of it.
      if (span.interval) await this.windows.caughtUp(span.tenant, span.channel, span.interval);
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      if (error.code === 'internal') this.#logger.error(describeThrown(error.cause));
      this.hub.sendError(
        held.connection,
        new MetricastError(error.code, { ...error.details, channel: held.channel }),
        id,
      );
    }
  }

  async #read(held: Held, span: HistorySpan, id: CommandId | undefined): Promise<void> {
    const { tenant, channel, start, interval } = span;
    // As finely as what is published, and nothing else: coarser values would overlap.
    const from = { resolution: interval ?? 'raw', after: { timestamp: start, series: 0, row: 0 } } as const;
    const { slices } = await this.history.open(span, from);
    const isSent = () => this.past.isWanted(held) && this.tenants.isPushed(tenant, channel);
    let most = MOST_VALUES;
    for await (const { rows } of slices) {
      if (!isSent()) return;
      const { count, left } = await this.past.send(held, rows, most);
      most -= count;
      // The next part is not read for nobody.
      if (!isSent()) return;
      if (!left) continue;
      const detail = `since ends after ${MOST_VALUES} values; those from ${isoTimestamp(left.timestamp)} on are left to get_history`;
      this.hub.sendError(held.connection, new MetricastError('bad_subscription', { channel, detail }), id);
      return;
    }
  }
}
