import { setTimeout } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import type { TenantId } from '../protocol/index.js';
import { DeferredParts } from './deferred-parts.js';
import { type InsertRows, type Row, type Statement, type Write, insertSql, insertSqlOf } from './statement.js';
import { lockTenants } from './tenant-locks.js';
import { type Transactor, WriteError } from './transactor.js';

/** The wire protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535;
/** Rows of one statement. More save nothing, and every new count is a new text for the server to parse. */
const MAX_ROWS = 1000;

/**
 * Deadlock and serialization failure. The writers of a tenant wait for each other before they begin, so that these
 * come of somebody else's transactions only: the one that the server ends is simply repeated.
 */
const CONFLICTS = new Set(['40P01', '40001']);
const MAX_ATTEMPTS = 5;
/** A statement that took too long, as all do while somebody has locked the table: no write is to blame. */
const TIMED_OUT = '57014';

/** Writes in transactions of connections from TypeORM's pool, many rows a statement. */
export class PostgresTransactor implements Transactor {
  /** The process goes on with its work while the server does this. */
  readonly rowsAtOnce = 5000;
  readonly #pool: Pool;

  constructor(dataSource: DataSource) {
    this.#pool = (dataSource.driver as unknown as { master: Pool }).master;
  }

  async commit(
    writes: readonly (() => Write<unknown>)[],
    tenants: readonly (TenantId | undefined)[] = [],
  ): Promise<unknown[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#commitOnce(writes, tenants);
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !CONFLICTS.has(sqlState(error))) throw error;
        // Started again at once, it might take its first row before the survivor wakes up to take it.
        await setTimeout(attempt * (10 + Math.random() * 40));
      }
    }
  }

  async #commitOnce(
    writes: readonly (() => Write<unknown>)[],
    tenants: readonly (TenantId | undefined)[],
  ): Promise<unknown[]> {
    const client = await this.#pool.connect();
    // A connection that is lost says so in its next query; unheard, its event would end the process.
    client.on('error', ignore);
    let isDone = false;
    try {
      await client.query('BEGIN');
      // To wait here as long as a statement may take means that the database is busy, for all of the writes.
      await lockTenants(client, tenants);
      const deferred = new DeferredParts();
      const results: unknown[] = [];
      for (const [index, write] of writes.entries()) results.push(await runWrite(client, write, index, deferred));
      await runToEnd(client, deferred.write(), deferred);
      await client.query('COMMIT');
      isDone = true;
      return results;
    } finally {
      // What failed is rolled back by closing its connection, in whatever state that is.
      client.release(!isDone);
      client.off('error', ignore);
    }
  }
}

function ignore(): void {}

async function runWrite(
  client: PoolClient,
  start: () => Write<unknown>,
  index: number,
  deferred: DeferredParts,
): Promise<unknown> {
  try {
    return await runToEnd(client, start(), deferred);
  } catch (error) {
    const state = sqlState(error);
    throw CONFLICTS.has(state) || state === TIMED_OUT ? error : new WriteError(index, error);
  }
}

async function runToEnd<T>(client: PoolClient, write: Write<T>, deferred: DeferredParts): Promise<T> {
  let step = write.next();
  while (!step.done) step = write.next(await execute(client, step.value, deferred));
  return step.value;
}

async function execute(client: PoolClient, statement: Statement, deferred: DeferredParts): Promise<Row[]> {
  if ('sql' in statement) return (await client.query<Row>(statement.sql, [...statement.values])).rows;
  if ('into' in statement) return insertMany(client, statement);
  deferred.add(statement);
  return [];
}

async function insertMany(client: PoolClient, insert: InsertRows): Promise<Row[]> {
  const { numbered } = insert;
  const full = numbered ? { ...insert, returning: [numbered] } : insert;
  const size = Math.min(MAX_ROWS, Math.floor(MAX_PARAMETERS / insert.columns.length));
  const returned: Row[] = [];
  for (let start = 0; start < insert.rows.length; start += size) {
    const rows = insert.rows.slice(start, start + size);
    const answer = await client.query<Row>(...queryOf(full, rows));
    returned.push(...(numbered ? inOrder(answer.rows, numbered) : answer.rows));
  }
  return returned;
}

function queryOf(insert: InsertRows, rows: InsertRows['rows']): [sql: string, values: unknown[]] {
  const { types } = insert;
  if (!types) return [insertSql(insert, rows.length), rows.flat()];
  const lists = types.map((type, column) => `$${column + 1}::${type}[]`);
  return [
    insertSqlOf(insert, `SELECT * FROM unnest(${lists.join(', ')})`),
    types.map((_, column) => rows.map((row) => row[column])),
  ];
}

/** The numbers are given out in the order of the rows; in which order they are returned is not promised. */
function inOrder(rows: readonly Row[], column: string): Row[] {
  const numbers = rows.map((row) => Number(row[column])).sort((one, other) => one - other);
  return numbers.map((number) => ({ [column]: number }));
}

function sqlState(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code);
}
