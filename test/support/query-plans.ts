import { expect, vi } from 'vitest';
import type { Row, SqlValue } from '../../src/store/index.js';
import type { Storage } from './storage.js';

/** The plans of all that is read and updated while the work is done, each below its statement. Inserts have none. */
export async function plansOf(storage: Storage, work: () => Promise<unknown>): Promise<string[]> {
  const asked: Query[] = [];
  const spy = vi.spyOn(storage.dataSource.logger, 'logQuery').mockImplementation((sql, parameters) => {
    asked.push({ sql, values: (parameters ?? []) as SqlValue[] });
  });
  const { statements, deferred } = storage.transactor;
  const before = [statements.length, deferred.length];
  await work();
  spy.mockRestore();
  const written = [...statements.slice(before[0]), ...deferred.slice(before[1])].flatMap((statement) =>
    'sql' in statement ? [statement] : [],
  );
  return Promise.all([...asked, ...written].map((query) => planOf(storage, query)));
}

/** Each finds its rows by an index. `derived` are the names of tables that a query makes itself out of such rows. */
export function expectIndexed(plans: readonly string[], derived: readonly string[] = []): void {
  expect(plans).not.toEqual([]);
  const mayScan = ['CONSTANT ROW', String.raw`\(subquery-`, ...derived.map((name) => String.raw`${name}\b`)].join('|');
  for (const plan of plans) {
    expect(plan).toMatch(/Index Cond|SEARCH/);
    expect(plan).not.toMatch(new RegExp(`Seq Scan|SCAN (?!${mayScan})`));
  }
}

interface Query {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

async function planOf(storage: Storage, { sql, values }: Query): Promise<string> {
  const { dataSource } = storage;
  if (dataSource.options.type !== 'postgres') {
    const rows = await storage.rows(`EXPLAIN QUERY PLAN ${sql}`, values);
    return [sql, ...rows.map(({ detail }) => detail)].join('\n');
  }
  return dataSource.transaction(async (manager) => {
    // However few rows there are: what has an index that serves uses it.
    await manager.query('SET LOCAL enable_seqscan = off');
    await manager.query('SET LOCAL enable_bitmapscan = off');
    const rows: Row[] = await manager.query(`EXPLAIN ${sql}`, [...values]);
    return [sql, ...rows.map((row) => row['QUERY PLAN'])].join('\n');
  });
}
