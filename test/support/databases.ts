import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPostgresDatabase } from './postgres.js';

/** A fresh, empty database of its own. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** The databases that everything stored has to work with. */
export const DATABASES = {
  SQLite: createSqliteDatabase,
  PostgreSQL: () => createPostgresDatabase(),
} satisfies Record<string, () => Promise<TestDatabase>>;

export type DatabaseKind = keyof typeof DATABASES;

/** A file in a folder of its own; the file itself comes with the first connection. */
export async function createSqliteDatabase(): Promise<TestDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'metricast-sqlite-'));
  return {
    url: `sqlite:${join(directory, 'metricast.db')}`,
    async drop() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
