import { setTimeout } from 'node:timers/promises';
import type { Database, Statement as Prepared } from 'better-sqlite3';
import type { DataSource } from 'typeorm';
import { type InsertRows, type Row, type SqlValue, type Statement, type Write, insertSql } from './statement.js';
import { type Transactor, WriteError } from './transactor.js';

/** Statement texts kept prepared. There are a few dozen; the bound is against a caller that makes up texts. */
const MAX_PREPARED = 500;
/** How long to wait for another process that writes the same file: a backup, a command line. */
const MAX_WAIT_MILLIS = 5000;
const RETRY_MILLIS = 20;

/**
 * Writes through the handle that TypeORM opened, with prepared statements, each transaction from begin to commit in
 * one turn of the event loop: TypeORM's own queries share that handle, and could otherwise end up inside of it.
 */
export class SqliteTransactor implements Transactor {
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
      const results = writes.map((write, index) => this.#runToEnd(write, index));
      this.#prepare('COMMIT').run();
      return results;
    } catch (error) {
      // A full disk makes SQLite roll back by itself.
      if (this.#database.inTransaction) this.#prepare('ROLLBACK').run();
      throw error;
    }
  }

  #runToEnd(start: () => Write<unknown>, index: number): unknown {
    try {
      const write = start();
      let step = write.next();
      while (!step.done) step = write.next(this.#execute(step.value));
      return step.value;
    } catch (error) {
      throw new WriteError(index, error);
    }
  }

  #execute(statement: Statement): Row[] {
    if ('sql' in statement) {
      const prepared = this.#prepare(statement.sql);
      const values = statement.values.map(bindable);
      if (prepared.reader) return prepared.all(values) as Row[];
      prepared.run(values);
      return [];
    }
    return this.#insert(statement);
  }

  #insert(insert: InsertRows): Row[] {
    const prepared = this.#prepare(insertSql(insert, 1));
    const returned: Row[] = [];
    for (const row of insert.rows) {
      const values = row.map(bindable);
      if (insert.returning) returned.push(...(prepared.all(values) as Row[]));
      else prepared.run(values);
    }
    return returned;
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
