import type { DataSource } from 'typeorm';
import { PostgresTransactor } from './postgres.transactor.js';
import { SqliteTransactor } from './sqlite.transactor.js';
import type { Transactor } from './transactor.js';

/** The transactor of a data source's kind of database. */
export function transactorFor(dataSource: DataSource): Transactor {
  return dataSource.options.type === 'postgres' ? new PostgresTransactor(dataSource) : new SqliteTransactor(dataSource);
}
