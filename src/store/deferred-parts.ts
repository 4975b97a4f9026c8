import type { Deferred, Write } from './statement.js';

/** What the writes of one transaction have deferred to its end. A transaction that is tried again begins with none. */
export class DeferredParts {
  readonly #parts = new Map<Deferred['writeAll'], unknown[]>();

  add({ part, writeAll }: Deferred): void {
    const parts = this.#parts.get(writeAll);
    if (parts) parts.push(part);
    else this.#parts.set(writeAll, [part]);
  }

  *write(): Write<void> {
    for (const [writeAll, parts] of this.#parts) yield* writeAll(parts as never[]);
  }
}
