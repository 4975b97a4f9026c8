import type { Write } from './statement.js';

/** Runs writes in transactions. Several at once on PostgreSQL; on SQLite its caller sees to it that there is one. */
export interface Transactor {
  /**
   * Commits all the writes together and returns what each returned, or commits none and throws: a {@link WriteError}
   * where one of the writes is to blame.
   */
  commit(writes: readonly (() => Write<unknown>)[]): Promise<unknown[]>;
}

/** One write of a transaction could not be done, and the transaction with it. */
export class WriteError extends Error {
  override readonly name = 'WriteError';

  constructor(
    /** Of the write among those that were to be committed. */
    readonly index: number,
    override readonly cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
  }
}
