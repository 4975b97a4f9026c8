import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Logger } from '@nestjs/common';
import type { DataSourceOptions } from 'typeorm';
import { loggable } from '../protocol/index.js';

export const DEFAULT_DATABASE_URL = 'sqlite:data/metricast.db';

const CONNECT_TIMEOUT_MILLIS = 5000;
const STATEMENT_TIMEOUT_MILLIS = 10_000;
/** Longer than the server's own, which says more: this one is for a server that does not answer at all. */
const ANSWER_TIMEOUT_MILLIS = 15_000;
/**
 * Pages that SQLite's write-ahead log may hold, 16 MiB, until a commit moves them into the database and waits for the
 * disk. A page that many commits changed is moved once, so rarer is cheaper in all; at SQLite's own 1,000, a server
 * that ingests all it can would do so at every third commit.
 */
const CHECKPOINT_PAGES = 4000;
const POOL_SIZE = 10;

/** A path alone is one where its ending says that it is a database's. */
const SQLITE_URL =
  /^(?:sqlite:(?:\/\/)?(?<path>[^?]*[^?/])|(?<bare>(?![a-z]+:)[^?]+\.(?:db|sqlite3?)))(?:\?synchronous=(?<synchronous>normal|full))?$/;

type Connection = Partial<DataSourceOptions> & Pick<DataSourceOptions, 'type'>;

/** What a database URL may be. */
export const DATABASE_URL_FORMS =
  'sqlite:PATH, sqlite:PATH?synchronous=full, sqlite::memory: or postgres://USER:PASSWORD@HOST:PORT/NAME';

/** True where {@link connectionFor} can make something of the URL. */
export function isDatabaseUrl(url: string): boolean {
  return SQLITE_URL.test(url) || (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url));
}

/**
 * How TypeORM is to reach the database of a URL.
 *
 * `sqlite:PATH?synchronous=full` makes SQLite wait for the disk at every commit. By default (`normal`) it does not:
 * what is committed survives the end of the process, `kill -9` included, but a power cut may take the last commits.
 * https://www.sqlite.org/pragma.html#pragma_synchronous
 *
 * Parameters of a PostgreSQL URL go to its driver, and win over what is set here.
 */
export function connectionFor(url: string): Connection {
  if (!isDatabaseUrl(url)) throw new Error(`the database URL must be ${DATABASE_URL_FORMS}`);
  const sqlite = SQLITE_URL.exec(url)?.groups;
  return sqlite
    ? sqliteConnection((sqlite['path'] ?? sqlite['bare'])!, sqlite['synchronous'] ?? 'normal')
    : postgresConnection(url);
}

function sqliteConnection(path: string, synchronous: string): Connection {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  return {
    type: 'better-sqlite3',
    database: path,
    prepareDatabase: (database: { pragma(source: string): unknown }) => {
      database.pragma('journal_mode = WAL');
      database.pragma(`synchronous = ${synchronous}`);
      database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    },
  };
}

function postgresConnection(url: string): Connection {
  const logger = new Logger('Database');
  return {
    type: 'postgres',
    url,
    applicationName: 'metricast',
    poolSize: POOL_SIZE,
    connectTimeoutMS: CONNECT_TIMEOUT_MILLIS,
    extra: {
      statement_timeout: STATEMENT_TIMEOUT_MILLIS,
      query_timeout: ANSWER_TIMEOUT_MILLIS,
      keepAlive: true,
    },
    // The pool has dropped the connection already, and opens another when one is needed.
    poolErrorHandler: (error: Error) => logger.warn(`An idle connection was lost: ${loggable(error.message)}`),
  };
}
