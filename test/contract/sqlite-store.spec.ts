import { describe, expect, it, onTestFinished } from 'vitest';
import { createSqliteDatabase } from '../support/databases.js';
import { openStorage } from '../support/storage.js';
import { storeContract } from './store.contract.js';

describe('SQLite', () => storeContract('SQLite'));

it.each([
  ['', 'normal', 1],
  ['?synchronous=normal', 'normal', 1],
  ['?synchronous=full', 'full', 2],
])('a file opened with %j keeps a write-ahead log, and syncs as %s says', async (parameters, _name, synchronous) => {
  const database = await createSqliteDatabase();
  const storage = await openStorage(database.url + parameters);
  onTestFinished(async () => {
    await storage.close();
    await database.drop();
  });

  expect(await storage.rows('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
  expect(await storage.rows('PRAGMA synchronous')).toEqual([{ synchronous }]);
});
