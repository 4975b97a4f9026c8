/** A value that both databases take as a parameter. Instants are milliseconds. */
export type SqlValue = string | number | boolean | null;
export type Row = Readonly<Record<string, unknown>>;

/** Inserts many rows of one table; in one round trip where the database can. */
export interface InsertRows {
  readonly into: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /**
   * What PostgreSQL calls the columns' types: for what is written so often that it is worth to be sent as a list for
   * each column, and not as a parameter for each value, which takes the server twice as long.
   */
  readonly types?: readonly string[];
  /**
   * What follows the values, in the SQL that SQLite and PostgreSQL share: `ON CONFLICT … DO …`. Where it updates, no
   * two of the rows may meet the same one, and all writers must sort them alike, or PostgreSQL would deadlock.
   */
  readonly onConflict?: string;
  /** Columns of the rows that were really written, to be returned. */
  readonly returning?: readonly string[];
  /**
   * The column that numbers the rows, to be returned as if it were named in `returning`, in the rows' order, and at no
   * cost. Only without `onConflict`: then every row is written.
   */
  readonly numbered?: string;
}

/** Any other statement, in the SQL that both databases share, with parameters `$1`, `$2`, … each used once, in order. */
export interface Sql {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * A part of what several writes of a transaction change together: it is written once, at the transaction's end, and not
 * where it is yielded. Gives no rows.
 */
export interface Deferred {
  readonly part: unknown;
  /** Writes what all the parts come to that were deferred with this same function, in the order in which they came. */
  readonly writeAll: (parts: readonly never[]) => Write<void>;
}

export function deferred<Part>(part: Part, writeAll: (parts: readonly Part[]) => Write<void>): Deferred {
  return { part, writeAll };
}

export type Statement = InsertRows | Sql | Deferred;

/**
 * A piece of a transaction: yields statements and is given their rows. SQLite runs it to its end in one go, so that
 * nothing comes between; PostgreSQL waits for each. Whoever writes one need not know which.
 */
export type Write<T> = Generator<Statement, T, Row[]>;

/** The text of an insert of `rowCount` rows. */
export function insertSql(insert: InsertRows, rowCount: number): string {
  const { length } = insert.columns;
  const row = (first: number) => `(${insert.columns.map((_, index) => `$${first + index}`).join(', ')})`;
  const values = Array.from({ length: rowCount }, (_, index) => row(index * length + 1));
  return insertSqlOf(insert, `VALUES ${values.join(', ')}`);
}

/** The text of an insert of rows that come from somewhere. */
export function insertSqlOf({ into, columns, onConflict, returning }: InsertRows, source: string): string {
  return [
    `INSERT INTO ${into} (${columns.join(', ')}) ${source}`,
    onConflict,
    returning && `RETURNING ${returning.join(', ')}`,
  ]
    .filter(Boolean)
    .join(' ');
}
