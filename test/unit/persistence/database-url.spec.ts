import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connectionFor, DEFAULT_DATABASE_URL, isDatabaseUrl } from '../../../src/persistence/database-url.js';

it.each([
  DEFAULT_DATABASE_URL,
  'sqlite:metricast.db',
  'sqlite:/var/lib/metricast.db',
  'sqlite:///var/lib/metricast.db',
  'sqlite::memory:',
  'sqlite:metricast.db?synchronous=full',
  'metricast.db',
  '/var/lib/metricast.sqlite3',
  'sqlite:metricast.db?synchronous=normal',
  'postgres://ada:secret@db:5432/metrics',
  'postgresql://db/metrics?sslmode=require',
])('%s is one', (url) => expect(isDatabaseUrl(url)).toBe(true));

it.each([
  '',
  'sqlite:',
  'sqlite://',
  'sqlite:data/',
  // SQLite takes no name for a database that nobody sees and that goes when it is closed.
  'sqlite:?synchronous=full',
  'sqlite:metricast.db?synchronous=ful',
  'sqlite:metricast.db?sync=full',
  'metricast',
  'mysql://db/metrics',
  'postgres:metrics',
  'postgres://db:port/metrics',
])('%j is none', (url) => {
  expect(isDatabaseUrl(url)).toBe(false);
  expect(() => connectionFor(url)).toThrow('the database URL must be sqlite:PATH');
});

it('the folder of a file is made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'metricast-url-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'deeper', 'still', 'metricast.db');

  expect(connectionFor(`sqlite:${path}`)).toMatchObject({ type: 'better-sqlite3', database: path });
  expect(connectionFor(`sqlite://${path}?synchronous=full`)).toMatchObject({ database: path });
  expect(existsSync(join(folder, 'deeper', 'still'))).toBe(true);
});
