import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
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

const isExternal = Boolean(process.env.METRICAST_TEST_POSTGRES_URL);

it.skipIf(isExternal).each(['SIGINT', 'SIGKILL'] as const)(
  'the server ends with a run that %s ends',
  async (signal) => {
    const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
    const vitest = path('../../../node_modules/vitest/vitest.mjs');
    const config = path('../../support/fixtures/servers/vitest.config.ts');
    const run = spawn(process.execPath, [vitest, 'run', '--config', config, 'holding'], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
    });
    onTestFinished(() => void run.kill('SIGKILL'));

    const url = await firstMatch(run.stdout, /^postgresql:.*$/m);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    client.on('error', () => {}); // it says so when it is cut
    const cut = new Promise((resolve) => client.once('end', resolve));
    run.kill(signal);

    await cut;
    await expect(connect(url)).rejects.toThrow();
  },
);

async function firstMatch(output: Readable, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of output) {
    text += String(chunk);
    const match = pattern.exec(text);
    if (match) return match[0];
  }
  throw new Error(`The output ended without ${pattern}:\n${text}`);
}
