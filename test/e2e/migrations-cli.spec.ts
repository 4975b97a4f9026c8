import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataSource } from 'typeorm';
import { dataSourceFor } from '../../src/persistence/index.js';
import { MIGRATIONS } from '../../src/persistence/migrations/index.js';
import { type DatabaseKind, type TestDatabase, DATABASES } from '../support/databases.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TYPEORM = ['--import', '@swc-node/register/esm-register', 'node_modules/typeorm/cli.js', '-d', 'ormconfig.ts'];

describe.each(Object.keys(DATABASES) as DatabaseKind[])('migration commands on %s', (kind) => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeEach(async () => {
    database = await DATABASES[kind]();
    dataSource = await dataSourceFor(database.url).initialize();
  });

  afterEach(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const command = async (name: string) => {
    const env = { PATH: process.env['PATH'], DATABASE_URL: database.url };
    return (await promisify(execFile)(process.execPath, [...TYPEORM, name], { cwd: ROOT, env })).stdout;
  };

  it('run, show and revert what the server would run', async () => {
    await command('migration:run');
    expect(await dataSource.query('SELECT name FROM metricast_migration')).toEqual(
      MIGRATIONS.map(({ name }) => ({ name })),
    );
    expect(await dataSource.query('SELECT * FROM metricast_skill')).toEqual([]);
    const last = MIGRATIONS.at(-1)!.name;
    expect(await command('migration:show')).toMatch(new RegExp(`\\[X\\] \\d+ ${last}`));

    await command('migration:revert');
    expect(await command('migration:show')).toMatch(new RegExp(`\\[ \\] (\\d+ )?${last}`));
    expect(await dataSource.query('SELECT name FROM metricast_migration')).toHaveLength(MIGRATIONS.length - 1);
  }, 60_000);
});
