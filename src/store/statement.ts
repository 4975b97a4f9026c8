/** A value that both databases take as a parameter. Instants are milliseconds. */
export type SqlValue = string | number | boolean | null;
export type Row = Readonly<Record<string, unknown>>;

/** Inserts many rows of one table; in one round trip where the database can. */
export interface InsertRows {
  readonly into: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /**
   * What follows the values, in the SQL that SQLite and PostgreSQL share: `ON CONFLICT … DO …`. Where it updates, no
   * two of the rows may meet the same one, and all writers must sort them alike, or PostgreSQL would deadlock.
   */
  readonly onConflict?: string;
  /** Columns of the rows that were really written, to be returned. */
  readonly returning?: readonly string[];
}

/** Any other statement, in the SQL that both databases share, with parameters `$1`, `$2`, … each used once, in order. */
export interface Sql {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export type Statement = InsertRows | Sql;

/**
 * A piece of a transaction: yields statements and is given their rows. SQLite runs it to its end in one go, so that
 * nothing comes between; PostgreSQL waits for each. Whoever writes one need not know which.
 */
export type Write<T> = Generator<Statement, T, Row[]>;

/** The text of an insert of `rowCount` rows. */
export function insertSql({ into, columns, onConflict, returning }: InsertRows, rowCount: number): string {
  const row = (first: number) => `(${columns.map((_, index) => `$${first + index}`).join(', ')})`;
  const values = Array.from({ length: rowCount }, (_, index) => row(index * columns.length + 1));
  return [
    `INSERT INTO ${into} (${columns.join(', ')}) VALUES ${values.join(', ')}`,
    onConflict,
    returning && `RETURNING ${returning.join(', ')}`,
  ]
    .filter(Boolean)
    .join(' ');
}
