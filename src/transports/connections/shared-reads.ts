import { setImmediate } from 'node:timers/promises';

/** Does once what many ask for at the same time. Nobody is given a result of something that began before they asked. */
export class SharedReads<Result> {
  /** Those that have not begun, by what they read. */
  readonly #waiting = new Map<string, Promise<Result>>();
  /** The newest of each, begun or not. */
  readonly #newest = new Map<string, Promise<Result>>();

  /** Reads, with all who ask for the same before that begins: in the next turn, or when the one that is under way has ended. */
  read(what: string, read: () => Promise<Result>): Promise<Result> {
    const waiting = this.#waiting.get(what);
    if (waiting) return waiting;
    const reading = this.#readAfter(this.#newest.get(what) ?? setImmediate(), what, read);
    this.#waiting.set(what, reading);
    this.#newest.set(what, reading);
    return reading;
  }

  async #readAfter(before: Promise<unknown>, what: string, read: () => Promise<Result>): Promise<Result> {
    await before.catch(() => undefined);
    const own = this.#waiting.get(what);
    this.#waiting.delete(what);
    try {
      return await read();
    } finally {
      if (this.#newest.get(what) === own) this.#newest.delete(what);
    }
  }
}
