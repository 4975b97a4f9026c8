import type { TenantId } from '../protocol/index.js';
import type { Write } from './statement.js';

/** Runs writes in transactions. Several at once on PostgreSQL; on SQLite its caller sees to it that there is one. */
export interface Transactor {
  /**
   * About how many rows are best committed together: the more, the less each of them costs, because the writes of a
   * transaction share the rows that they change. Where a transaction is one turn of the event loop, it is its length that
   * bounds them.
   */
  readonly rowsAtOnce: number;

  /**
   * Commits all the writes together and returns what each returned, or commits none and throws: a {@link WriteError}
   * where one of the writes is to blame. None is where what they deferred cannot be written.
   *
   * @param tenants whose rows the writes change, each once; `undefined` stands for rows that are no tenant's. Where
   * several processes write to the database, the transactions of one tenant go one after another.
   */
  commit(writes: readonly (() => Write<unknown>)[], tenants?: readonly (TenantId | undefined)[]): Promise<unknown[]>;
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
