import type { TenantId } from '../protocol/index.js';
import type { SqlReader } from './sql-reader.js';
import type { Statement, Write } from './statement.js';

/** Rows that one step deletes at most: a few milliseconds of SQLite, in which the process does nothing else. */
export const ROWS_A_STEP = 1000;

/** What a step has done. */
export interface Deletion {
  /** How many rows it deleted. */
  readonly deleted: number;
}

/**
 * Deletes some rows of a table in a transaction of their own, and then lets everything else go first. Rejects where the
 * database does not take it, and where the service ends.
 */
export type DeletionStep = <D extends Deletion>(table: string, write: () => Write<D>, tenant?: TenantId) => Promise<D>;

/** Finds what is to be deleted, until the service ends. */
export type RetentionReader = Pick<SqlReader, 'rows'>;

/** Deletes by statements that return a row for each that they delete. */
export function* deletion(statements: Iterable<Statement>): Write<Deletion> {
  let deleted = 0;
  for (const statement of statements) deleted += (yield statement).length;
  return { deleted };
}
