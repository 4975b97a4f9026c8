import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { createPostgresDatabase, postgresUrl } from '../../support/postgres.js';

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

it('a database is empty and apart from every other', async () => {
  const [one, other] = await Promise.all([createPostgresDatabase(), createPostgresDatabase()]);
  onTestFinished(async () => void (await Promise.all([one.drop(), other.drop()])));

  await (await connect(one.url)).query('CREATE TABLE points (value int)');
  const { rows } = await (await connect(other.url)).query(`SELECT to_regclass('points') AS points`);

  expect(rows).toEqual([{ points: null }]);
});

it('a dropped database is gone', async () => {
  const database = await createPostgresDatabase();
  await database.drop();

  await expect(connect(database.url)).rejects.toThrow('does not exist');
});

it('every spec file gets the same server', async () => {
  expect(await postgresUrl()).toBe(await postgresUrl());
});
