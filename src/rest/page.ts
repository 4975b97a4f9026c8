import { type FieldError, MetricastError } from '../protocol/index.js';
import { queryOf } from './request.js';

const MAX_LIMIT = 1000;
const DEFAULT_LIMIT = 100;

/** What a client wants of a list: so many items, after the one with this key; absent: from the first. */
export interface PageRequest<Key> {
  readonly limit: number;
  readonly after?: Key;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** What to ask for the next page with; null where this is the last one. */
  readonly next_cursor: string | null;
}

/**
 * Reads `?limit=` and `?cursor=`.
 *
 * @param isKey whether a value is a key of this list: a cursor may have been made by anybody.
 * @throws {@link MetricastError} `bad_request` that names what is wrong.
 */
export function readPageRequest<Key>(request: object, isKey: (value: unknown) => value is Key): PageRequest<Key> {
  const query = queryOf(request);
  const [limits, cursors] = [query.getAll('limit'), query.getAll('cursor')];
  const limit = limits.length === 0 ? DEFAULT_LIMIT : parseLimit(limits);
  const after = cursors.length === 1 ? decodeCursor(cursors[0]!) : undefined;
  const errors: FieldError[] = [];
  if (limit === undefined) errors.push({ field: 'limit', message: `must be a whole number from 1 to ${MAX_LIMIT}` });
  if (cursors.length > 0 && !isKey(after)) {
    errors.push({ field: 'cursor', message: 'must be the next_cursor of a page of this list' });
  }
  if (limit === undefined || errors.length > 0) throw new MetricastError('bad_request', { errors });
  return { limit, after: isKey(after) ? after : undefined };
}

/** A page, of one row more than it may show: that there is one says that it is not the last. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  itemOf: (row: Row) => Item,
  keyOf: (row: Row) => unknown,
): Page<Item> {
  const shown = rows.slice(0, limit);
  return {
    items: shown.map(itemOf),
    next_cursor: rows.length > limit ? encodeCursor(keyOf(shown.at(-1)!)) : null,
  };
}

function parseLimit(limits: readonly string[]): number | undefined {
  const limit = limits.length === 1 && /^\d{1,4}$/.test(limits[0]!) ? Number(limits[0]) : 0;
  return limit >= 1 && limit <= MAX_LIMIT ? limit : undefined;
}

function encodeCursor(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

function decodeCursor(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
