import type { TenantId } from '../../src/protocol/index.js';
import type { Deferred, InsertRows, Sql, Transactor, Write } from '../../src/store/index.js';

/** The real transactor, which tells how it is used, and can be held up. */
export class WatchedTransactor implements Transactor {
  /** How many writes each commit was of, those that failed included. */
  readonly sizes: number[] = [];
  readonly statements: (InsertRows | Sql)[] = [];
  /** Those that were put off to the end of their transaction. */
  readonly deferred: (InsertRows | Sql)[] = [];
  /** What stands for each function that writes deferred parts: always the same one, so that their parts meet. */
  readonly #watchedWriters = new Map<Deferred['writeAll'], Deferred['writeAll']>();
  #gate: Promise<void> | undefined;

  constructor(private readonly transactor: Transactor) {}

  get rowsAtOnce(): number {
    return this.transactor.rowsAtOnce;
  }

  async commit(
    writes: readonly (() => Write<unknown>)[],
    tenants?: readonly (TenantId | undefined)[],
  ): Promise<unknown[]> {
    this.sizes.push(writes.length);
    await this.#gate;
    const watched = writes.map((write) => () => this.#watched(write(), this.statements));
    return this.transactor.commit(watched, tenants);
  }

  /** From now on commits wait, until the function that this returns is called. */
  hold(): () => void {
    let open!: () => void;
    this.#gate = new Promise((resolve) => (open = resolve));
    return () => {
      this.#gate = undefined;
      open();
    };
  }

  *#watched<T>(write: Write<T>, seen: (InsertRows | Sql)[]): Write<T> {
    let step = write.next();
    while (!step.done) {
      const statement = step.value;
      if ('part' in statement) step = write.next(yield this.#watchedPart(statement));
      else {
        seen.push(statement);
        step = write.next(yield statement);
      }
    }
    return step.value;
  }

  #watchedPart({ part, writeAll }: Deferred): Deferred {
    let watched = this.#watchedWriters.get(writeAll);
    if (!watched) {
      watched = (parts) => this.#watched(writeAll(parts), this.deferred);
      this.#watchedWriters.set(writeAll, watched);
    }
    return { part, writeAll: watched };
  }
}
