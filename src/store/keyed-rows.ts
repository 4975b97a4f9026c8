import type { SqlValue, Statement } from './statement.js';

/** Keys of one statement; a power of two. */
const MAX_KEYS = 64;

/**
 * Statements that begin with a table of their own, `keyed`: of the keys of what they are about, and what else there is
 * to say of each. So that there are but a few texts for a database to parse, the last row may be there several times.
 *
 * @param columns names, each with a type behind it where that is not `bigint`.
 * @param keys its rows.
 * @param body what follows.
 */
export function* keyedStatements(
  columns: readonly string[],
  keys: readonly (readonly number[])[],
  body: string,
): Iterable<Statement> {
  const names = columns.map((column) => column.split(' ', 1)[0]!);
  const types = columns.map((column, index) => column.slice(names[index]!.length) || ' bigint');
  for (let start = 0; start < keys.length; start += MAX_KEYS) {
    const some = keys.slice(start, start + MAX_KEYS);
    const size = 2 ** Math.ceil(Math.log2(some.length));
    while (some.length < size) some.push(some.at(-1)!);
    let parameter = 0;
    const rows = some.map(
      (key) => `(${key.map((_, column) => `CAST($${++parameter} AS${types[column]})`).join(', ')})`,
    );
    const values: SqlValue[] = some.flat();
    yield { sql: `WITH keyed (${names.join(', ')}) AS (VALUES ${rows.join(', ')}) ${body}`, values };
  }
}
