import type { Write } from './statement.js';

/** Runs writes in transactions. Several at once on PostgreSQL; on SQLite its caller sees to it that there is one. */
export interface Transactor {
  /** Commits all the writes together and returns what each returned, or commits none and throws. */
  commit(writes: readonly (() => Write<unknown>)[]): Promise<unknown[]>;
}
