import type { Connection } from './connection.js';

/** Bytes that a transport may hold while its connection has room for more of what is sent at its reader's pace. */
const HELD_BY_TRANSPORT = 64 * 1024;

/** Knows who waits until a connection's reader has taken what it was sent. */
export class Room {
  readonly #waiting = new Map<Connection, (() => void)[]>();

  /** Resolves when there is room, or the connection has ended. */
  async of(connection: Connection): Promise<void> {
    while (!isThere(connection)) {
      await new Promise<void>((resolve) => {
        const others = this.#waiting.get(connection);
        if (others) others.push(resolve);
        else this.#waiting.set(connection, [resolve]);
      });
    }
  }

  /** To be called whenever a reader may have made room. Costs next to nothing where nobody waits. */
  look(connection: Connection): void {
    if (this.#waiting.size === 0 || !isThere(connection)) return;
    const waiting = this.#waiting.get(connection);
    this.#waiting.delete(connection);
    for (const resolve of waiting ?? []) resolve();
  }
}

function isThere({ isOpen, outbox, transport }: Connection): boolean {
  return !isOpen || (outbox.isEmpty && transport.bufferedBytes <= HELD_BY_TRANSPORT);
}
