import type { TenantId } from '../protocol/index.js';
import type { SqlReader } from './sql-reader.js';
import type { Statement, Write } from './statement.js';

/** Rows that one step deletes at most: a few milliseconds of SQLite, in which the process does nothing else. */
export const ROWS_A_STEP = 1000;
/** Rows that are looked for at once where one step after another had all its rows to delete. */
const MOST_AT_ONCE = 16 * ROWS_A_STEP;

/** What a step has done. */
export interface Deletion {
  /** How many rows it deleted. */
  readonly deleted: number;
}

/**
 * Deletes some rows of a table, and then lets everything else go first; when several are under way, after the last of
 * them. Rejects where the database does not take it, and where the service ends.
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

/** How a table is gone through in some order. */
export interface Sweep<R> {
  readonly table: string;
  /** The next rows, at most so many. Where there are fewer, these are the last ones. */
  readonly find: (count: number) => Promise<readonly R[]>;
  /** Deletes those of the rows that are due, which are a step at most; absent where none is. */
  readonly deletionOf: (rows: readonly R[]) => (() => Write<Deletion>) | undefined;
  /** Told of the last row up to which all that was due is deleted. */
  readonly passed: (last: R) => void;
}

/**
 * Goes through a table to its last row. Whatever waits to be written goes before a step, and whatever comes in then goes
 * before the next one; so that it keeps up with what is recorded, ever more steps wait together while all rows are due.
 */
export async function sweep<R>({ table, find, deletionOf, passed }: Sweep<R>, step: DeletionStep): Promise<void> {
  for (let count = ROWS_A_STEP; ;) {
    const rows = await find(count);
    if (rows.length === 0) return;
    const pages = Array.from({ length: Math.ceil(rows.length / ROWS_A_STEP) }, (_, index) =>
      rows.slice(index * ROWS_A_STEP, (index + 1) * ROWS_A_STEP),
    );
    const writes = pages.flatMap((page) => deletionOf(page) ?? []);
    const ended = await Promise.allSettled(writes.map((write) => step(table, write)));
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
    passed(rows.at(-1)!);
    if (rows.length < count) return;
    count = writes.length === pages.length ? Math.min(2 * count, MOST_AT_ONCE) : ROWS_A_STEP;
  }
}
