import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { BROKER, type Broker } from '../../broker/index.js';
import { type Connection, Hub } from '../../hub/index.js';
import type { ChannelName, Millis, Position, Publication, Stored, Subscription } from '../../protocol/index.js';
import { type Kept, WriteQueue } from '../../store/index.js';

/** Bytes that are sent between two looks at whether the reader has room for more. */
const BYTES_A_PART = 32 * 1024;

/** A subscription from whose connection is kept what is published, while it is sent what came before that. */
export interface Held {
  readonly connection: Connection;
  readonly channel: ChannelName;
  readonly subscription: Subscription;
  /** Where the channel stood when that began. */
  readonly position: Position;
}

export interface Sent {
  /** Of messages. */
  readonly count: number;
  /** The first one that would have been one too many. */
  readonly left?: Kept['message'];
}

/**
 * Sends one connection what is stored of a channel and was published before its subscription began, at the pace at which
 * its reader takes it. These are no publications: nothing newer takes the place of one, and a stream gives them no id,
 * so that who is cut off among them begins anew.
 */
@Injectable()
export class PastSender {
  constructor(
    private readonly hub: Hub,
    private readonly queue: WriteQueue,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /** False where the subscription has ended, or was replaced. */
  isWanted({ connection, channel, subscription }: Held): boolean {
    return connection.isOpen && connection.memberships.get(channel)?.subscription === subscription;
  }

  /**
   * Sends those rows that the subscription is for, but for what was published since: that is kept for it. Resolves when
   * there is room for more.
   */
  async send(held: Held, rows: readonly Kept[], most = Infinity): Promise<Sent> {
    const { connection, channel } = held;
    await this.#published();
    const audience = () => connection.memberships.get(channel)!.audience;
    const kept = this.isWanted(held) ? new KeptSince(audience().held?.publications ?? []) : undefined;
    let [count, bytes] = [0, 0];
    for (const { message, stored } of rows) {
      if (bytes >= BYTES_A_PART) {
        await this.hub.room(connection);
        bytes = 0;
      }
      if (!this.isWanted(held)) return { count };
      // The filter of a newer token counts at once.
      if (kept!.has(message, stored) || !audience().wants(message)) continue;
      if (count === most) return { count, left: message };
      bytes += this.#tell(held, message);
      count++;
    }
    await this.hub.room(connection);
    return { count };
  }

  /**
   * Goes on with what was kept, and with what is published from here on. Windows that begin before the end of what was sent
   * are in it.
   */
  release(held: Held, end: Millis = -Infinity): void {
    if (!this.isWanted(held)) return;
    const wasSent = ({ message }: Publication) =>
      message.kind === 'sample' && message.window !== undefined && message.timestamp < end;
    this.hub.release(held.connection, held.channel, wasSent);
  }

  /** Resolves when all that could be read until now is published: a commit can be seen before those hear of it who publish it. */
  async #published(): Promise<void> {
    await this.queue.settled();
    await setImmediate();
    await this.broker.publish([]);
  }

  /** @returns how many bytes that takes. */
  #tell({ connection, channel, subscription, position }: Held, message: Kept['message']): number {
    const publication = { tenant: connection.principal.tenant, channel, message, ...position };
    let bytes = 0;
    for (const wire of connection.dialect.render(publication, subscription.format)) {
      const frame = connection.framing.frame(wire);
      this.hub.sendFrame(connection, frame);
      bytes += frame.length;
    }
    return bytes;
  }
}

/** What is kept for a subscription of what was published since it began. */
class KeptSince {
  readonly #rows: ReadonlySet<number>;
  readonly #firstState: Millis;

  constructor(publications: readonly Publication[]) {
    this.#rows = new Set(publications.map(({ stored }) => stored?.row ?? 0));
    this.#firstState = publications.find(({ message }) => message.kind === 'state')?.message.timestamp ?? Infinity;
  }

  /** The points of a state are stored with its timestamp, and are published as that state. */
  has({ timestamp }: Kept['message'], { row }: Stored): boolean {
    // A window has no row of its own.
    return row > 0 && (this.#rows.has(row) || timestamp >= this.#firstState);
  }
}
