import type { TenantId } from '../../src/protocol/index.js';
import type { Statement, Transactor, Write } from '../../src/store/index.js';

/** The real transactor, which tells how it is used, and can be held up. */
export class WatchedTransactor implements Transactor {
  /** How many writes each commit was of, those that failed included. */
  readonly sizes: number[] = [];
  readonly statements: Statement[] = [];
  #gate: Promise<void> | undefined;

  constructor(private readonly transactor: Transactor) {}

  async commit(
    writes: readonly (() => Write<unknown>)[],
    tenants?: readonly (TenantId | undefined)[],
  ): Promise<unknown[]> {
    this.sizes.push(writes.length);
    await this.#gate;
    const watched = writes.map((write) => () => this.#watched(write()));
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

  *#watched(write: Write<unknown>): Write<unknown> {
    let step = write.next();
    while (!step.done) {
      this.statements.push(step.value);
      step = write.next(yield step.value);
    }
    return step.value;
  }
}
