import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { demand } from './servers/on-demand.js';

export interface PostgresDatabase {
  url: string;
  /** Removes the database. Close your own connections first: those still open are cut. */
  drop(): Promise<void>;
}

/** The URL of the test run's PostgreSQL, as its superuser; starts it when nobody has asked before. */
export async function postgresUrl(): Promise<string> {
  return demand(inject('postgresAddress'));
}

/** A fresh, empty database that no other spec file knows, with options of `CREATE DATABASE` if need be. */
export async function createPostgresDatabase(options = ''): Promise<PostgresDatabase> {
  const server = await postgresUrl();
  const name = `metricast_test_${randomUUID().replaceAll('-', '')}`;
  await execute(server, `CREATE DATABASE ${name} ${options}`);

  const url = new URL(server);
  url.pathname = name;
  return { url: url.href, drop: () => execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
