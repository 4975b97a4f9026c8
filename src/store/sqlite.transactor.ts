import { setTimeout } from 'node:timers/promises';
import type { Database, Statement as Prepared } from 'better-sqlite3';
import type { DataSource } from 'typeorm';
import { DeferredParts } from './deferred-parts.js';
import { type InsertRows, type Row, type SqlValue, type Statement, type Write, insertSql } from './statement.js';
import { type Transactor, WriteError } from './transactor.js';

/** Statement texts kept prepared. There are a few dozen; the bound is against a caller that makes up texts. */
const MAX_PREPARED = 500;
/** How long to wait for another process that writes the same file: a backup, a command line. */
const MAX_WAIT_MILLIS = 5000;
const RETRY_MILLIS = 20;
/** Rows of one statement: a call of the database costs about as much as a row. More of them save little. */
const ROWS_A_STATEMENT = 20;

/**
 * Writes through the handle that TypeORM opened, with prepared statements, each transaction from begin to commit in
 * one turn of the event loop: TypeORM's own queries share that handle, and could otherwise end up inside of it.
 */
export class SqliteTransactor implements Transactor {
  /** Of values of a few hundred series, 15 to 20 ms, in which the process does nothing else; a sixth less a row than of 1,000. */
  readonly rowsAtOnce = 2000;
  readonly #database: Database;
  readonly #prepared = new Map<string, Prepared>();

  constructor(dataSource: DataSource) {
    this.#database = (dataSource.driver as unknown as { databaseConnection: Database }).databaseConnection;
    // SQLite's own way to wait holds up the whole process.
    this.#database.pragma('busy_timeout = 10');
  }

  async commit(writes: readonly (() => Write<unknown>)[]): Promise<unknown[]> {
    const deadline = performance.now() + MAX_WAIT_MILLIS;
    for (;;) {
      try {
        return this.#commitNow(writes);
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'SQLITE_BUSY' || performance.now() > deadline) throw error;
        await setTimeout(RETRY_MILLIS);
      }
    }
  }

  #commitNow(writes: readonly (() => Write<unknown>)[]): unknown[] {
    this.#prepare('BEGIN IMMEDIATE').run();
    try {
      const deferred = new DeferredParts();
      const results = writes.map((write, index) => this.#runWrite(write, index, deferred));
      this.#runToEnd(deferred.write(), deferred);
      this.#prepare('COMMIT').run();
      return results;
    } catch (error) {
      // A full disk makes SQLite roll back by itself.
      if (this.#database.inTransaction) this.#prepare('ROLLBACK').run();
      throw error;
    }
  }

  #runWrite(start: () => Write<unknown>, index: number, deferred: DeferredParts): unknown {
    try {
      return this.#runToEnd(start(), deferred);
    } catch (error) {
      throw new WriteError(index, error);
    }
  }

  #runToEnd<T>(write: Write<T>, deferred: DeferredParts): T {
    let step = write.next();
    while (!step.done) step = write.next(this.#execute(step.value, deferred));
    return step.value;
  }

  #execute(statement: Statement, deferred: DeferredParts): Row[] {
    if ('sql' in statement) {
      const prepared = this.#prepare(statement.sql);
      const values = statement.values.map(bindable);
      if (prepared.reader) return prepared.all(values) as Row[];
      prepared.run(values);
      return [];
    }
    if ('into' in statement) return this.#insert(statement);
    deferred.add(statement);
    return [];
  }

  #insert(insert: InsertRows): Row[] {
    const { rows, returning } = insert;
    const returned: Row[] = [];
    // The order of the rows that a statement returns is not promised; the last few would each time be another text.
    const together = returning ? 0 : rows.length - (rows.length % ROWS_A_STATEMENT);
    this.#insertBy(ROWS_A_STATEMENT, insert, 0, together, returned);
    this.#insertBy(1, insert, together, rows.length, returned);
    return returned;
  }

  #insertBy(size: number, insert: InsertRows, from: number, to: number, returned: Row[]): void {
    if (from === to) return;
    const { rows, returning, numbered } = insert;
    // One that fails fails the transaction: SQLite need not keep what would undo a statement alone, page by page.
    const prepared = this.#prepare(insertSql(insert, size).replace('INSERT', 'INSERT OR FAIL'));
    for (let start = from; start < to; start += size) {
      const values = valuesOf(rows, start, size);
      if (returning) returned.push(...(prepared.all(values) as Row[]));
      else {
        const last = Number(prepared.run(values).lastInsertRowid);
        // Nobody else writes meanwhile, so that the numbers of a statement follow one another.
        if (numbered) for (let row = 1; row <= size; row++) returned.push({ [numbered]: last - size + row });
      }
    }
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#prepared.get(sql);
    if (!prepared) {
      if (this.#prepared.size >= MAX_PREPARED) this.#prepared.clear();
      // PostgreSQL's `$1` is a name to SQLite; `?` is a place.
      prepared = this.#database.prepare(sql.replaceAll(/\$\d+/g, '?'));
      this.#prepared.set(sql, prepared);
    }
    return prepared;
  }
}

/** SQLite has no booleans: TypeORM reads and writes them as 0 and 1. */
function bindable(value: SqlValue): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value;
}

function valuesOf(rows: InsertRows['rows'], start: number, count: number): (string | number | null)[] {
  const values: (string | number | null)[] = [];
  for (let row = start; row < start + count; row++) for (const value of rows[row]!) values.push(bindable(value));
  return values;
}
