import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { Millis } from '../protocol/index.js';
import { DATA_SOURCE } from './data-source-name.js';
import type { Row, SqlValue } from './statement.js';

/** Numbers in one list of a statement. */
const MAX_LIST = 512;

/** Reads with statements of our own, each in a turn of the event loop for itself: SQLite answers in the turn that asks. */
@Injectable()
export class SqlReader {
  readonly isPostgres: boolean;

  constructor(@InjectDataSource(DATA_SOURCE) private readonly dataSource: DataSource) {
    this.isPostgres = dataSource.options.type === 'postgres';
  }

  /** @param sql with parameters `$1`, `$2`, … each used once, in order. */
  async rows(sql: string, values: readonly SqlValue[]): Promise<readonly Row[]> {
    return (await this.timed(sql, values)).rows;
  }

  /** The same, and how long the database took for it: the wait for a turn is not in it. */
  async timed(sql: string, values: readonly SqlValue[]): Promise<{ rows: readonly Row[]; took: Millis }> {
    await setImmediate();
    const begin = performance.now();
    const rows = await this.dataSource.query<Row[]>(this.isPostgres ? sql : sql.replaceAll(/\$\d+/g, '?'), [...values]);
    return { rows, took: performance.now() - begin };
  }

  /**
   * The rows of a statement that names some of these numbers, for all of them; or for so many that there are more rows than
   * is enough.
   *
   * @param sqlOf makes the statement, of the list: its parameters come after those of the values.
   */
  async rowsOf(
    numbers: readonly number[],
    values: readonly SqlValue[],
    sqlOf: (list: string) => string,
    enough = Infinity,
  ): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for (const group of groupsOf(numbers, MAX_LIST)) {
      if (rows.length > enough) break;
      const some = padded(group);
      const list = some.map((_, index) => `$${values.length + index + 1}`).join(', ');
      for (const row of await this.rows(sqlOf(list), [...values, ...some])) rows.push(row);
    }
    return rows;
  }
}

/** In their order, so many at a time. */
export function groupsOf(numbers: readonly number[], size: number): (readonly number[])[] {
  const count = Math.ceil(numbers.length / size);
  return Array.from({ length: count }, (_, index) => numbers.slice(index * size, (index + 1) * size));
}

/** To a power of two, with the last number again: so there are few statements to be prepared. */
function padded(numbers: readonly number[]): number[] {
  const length = 2 ** Math.ceil(Math.log2(numbers.length));
  return Array.from({ length }, (_, index) => numbers[Math.min(index, numbers.length - 1)]!);
}
