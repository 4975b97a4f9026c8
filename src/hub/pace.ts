import type { Close, Millis } from '../protocol/index.js';
import type { Connection } from './connection.js';
import type { HubCounts } from './hub-counts.js';
import { Room } from './room.js';

/** Hands connections what waits for them, as fast as their readers take it, and gives up those who do not. */
export class Pace {
  readonly #room = new Room();

  /** @param clock a time that is never set, in whole milliseconds. */
  constructor(
    private readonly clock: () => Millis,
    private readonly counts: HubCounts,
    private readonly giveUp: (connection: Connection) => void,
  ) {}

  /** The turn is over: what it brought to a connection leaves. */
  flush(connection: Connection, now: Millis): void {
    if (!connection.isOpen) return;
    this.counts.bytes += connection.outbox.flush(now);
    this.#giveUpIfOverdue(connection, now);
    this.#room.look(connection);
  }

  /** Goes on with what waits for a reader that is behind, and has read on or has had time to. */
  drain(connection: Connection): void {
    if (!connection.isOpen) return;
    if (connection.outbox.isBehind) {
      const now = this.clock();
      this.counts.bytes += connection.outbox.drain(now);
      this.#giveUpIfOverdue(connection, now);
    }
    this.#room.look(connection);
  }

  /** Asks the peer for a sign of life. */
  ping({ outbox }: Connection): void {
    outbox.ping(this.clock());
  }

  /** The peer has answered the ping with this number. False where it was not asked, or has answered before. */
  answered(connection: Connection, ping: number): boolean {
    const wasOpen = connection.outbox.answered(ping, this.clock());
    this.drain(connection);
    return wasOpen;
  }

  /** The connection has ended. Where its peer is to be told, what its reader can still take leaves before that. */
  end(connection: Connection, said: Close | undefined): void {
    const { outbox, transport } = connection;
    if (said) {
      this.counts.bytes += outbox.flush(this.clock());
      transport.close(said);
    }
    outbox.discard();
    this.counts.conflatedBefore += outbox.conflated;
    this.#room.look(connection);
  }

  /** Resolves when there is room for more, or the connection has ended. */
  room(connection: Connection): Promise<void> {
    return this.#room.of(connection);
  }

  #giveUpIfOverdue(connection: Connection, now: Millis): void {
    if (connection.outbox.isOverdue(now)) this.giveUp(connection);
  }
}
