import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DataSourceOptions } from 'typeorm';

export const DEFAULT_DATABASE_URL = 'sqlite:data/metricast.db';

const CONNECT_TIMEOUT_MILLIS = 5000;
const STATEMENT_TIMEOUT_MILLIS = 10_000;
const POOL_SIZE = 10;

type Connection = Partial<DataSourceOptions> & Pick<DataSourceOptions, 'type'>;

/** What a database URL may be. */
export const DATABASE_URL_FORMS = 'sqlite:PATH, sqlite::memory: or postgres://USER:PASSWORD@HOST:PORT/NAME';

/** True where {@link connectionFor} can make something of the URL. */
export function isDatabaseUrl(url: string): boolean {
  return /^sqlite:./.test(url) || (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url));
}

/**
 * How TypeORM is to reach the database of a URL.
 *
 * `sqlite:PATH?synchronous=full` makes SQLite wait for the disk at every commit. By default (`normal`) it does not:
 * what is committed survives the end of the process, `kill -9` included, but a power cut may take the last commits.
 * https://www.sqlite.org/pragma.html#pragma_synchronous
 */
export function connectionFor(url: string): Connection {
  if (!isDatabaseUrl(url)) throw new Error(`the database URL must be ${DATABASE_URL_FORMS}`);
  if (!url.startsWith('sqlite:')) {
    return {
      type: 'postgres',
      url,
      poolSize: POOL_SIZE,
      connectTimeoutMS: CONNECT_TIMEOUT_MILLIS,
      extra: { statement_timeout: STATEMENT_TIMEOUT_MILLIS },
    };
  }
  const [path, query] = url.slice('sqlite:'.length).split('?') as [string, string?];
  const synchronous = new URLSearchParams(query).get('synchronous') === 'full' ? 'FULL' : 'NORMAL';
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  return {
    type: 'better-sqlite3',
    database: path,
    prepareDatabase: (database: { pragma(source: string): unknown }) => {
      database.pragma('journal_mode = WAL');
      database.pragma(`synchronous = ${synchronous}`);
      database.pragma('busy_timeout = 5000');
    },
  };
}
