import type { DataSource, QueryRunner } from 'typeorm';
import { type InsertRows, type Row, type Statement, type Write, insertSql } from './statement.js';
import type { Transactor } from './transactor.js';

/** The wire protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535;
/** Rows of one statement. More save nothing, and every new count is a new text for the server to parse. */
const MAX_ROWS = 1000;

/** Writes in a transaction of its own connection from TypeORM's pool, many rows a statement. */
export class PostgresTransactor implements Transactor {
  constructor(private readonly dataSource: DataSource) {}

  async commit(writes: readonly (() => Write<unknown>)[]): Promise<unknown[]> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const results: unknown[] = [];
      for (const write of writes) results.push(await this.#runToEnd(runner, write()));
      await runner.commitTransaction();
      return results;
    } catch (error) {
      // Where the connection broke there is nothing to roll back, and that it broke is what the caller must hear.
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }

  async #runToEnd(runner: QueryRunner, write: Write<unknown>): Promise<unknown> {
    let step = write.next();
    while (!step.done) step = write.next(await this.#execute(runner, step.value));
    return step.value;
  }

  async #execute(runner: QueryRunner, statement: Statement): Promise<Row[]> {
    if ('sql' in statement) return rowsOf(await runner.query(statement.sql, [...statement.values]));
    return this.#insert(runner, statement);
  }

  async #insert(runner: QueryRunner, insert: InsertRows): Promise<Row[]> {
    const size = Math.min(MAX_ROWS, Math.floor(MAX_PARAMETERS / insert.columns.length));
    const returned: Row[] = [];
    for (let start = 0; start < insert.rows.length; start += size) {
      const rows = insert.rows.slice(start, start + size);
      returned.push(...rowsOf(await runner.query(insertSql(insert, rows.length), rows.flat())));
    }
    return returned;
  }
}

/** TypeORM answers an `UPDATE … RETURNING` with `[rows, count]`, everything else with the rows. */
function rowsOf(result: unknown): Row[] {
  if (!Array.isArray(result)) return [];
  return (Array.isArray(result[0]) ? result[0] : result) as Row[];
}
