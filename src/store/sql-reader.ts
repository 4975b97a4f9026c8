import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
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
    await setImmediate();
    return this.dataSource.query<Row[]>(this.isPostgres ? sql : sql.replaceAll(/\$\d+/g, '?'), [...values]);
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
    for (let start = 0; start < numbers.length && rows.length <= enough; start += MAX_LIST) {
      const some = padded(numbers.slice(start, start + MAX_LIST));
      const list = some.map((_, index) => `$${values.length + index + 1}`).join(', ');
      for (const row of await this.rows(sqlOf(list), [...values, ...some])) rows.push(row);
    }
    return rows;
  }
}

/** To a power of two, with the last number again: so there are few statements to be prepared. */
function padded(numbers: readonly number[]): number[] {
  const length = 2 ** Math.ceil(Math.log2(numbers.length));
  return Array.from({ length }, (_, index) => numbers[Math.min(index, numbers.length - 1)]!);
}
