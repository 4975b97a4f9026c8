import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ALL_FEATURES, NO_FILTER } from '../../src/protocol/index.js';
import { type TestDatabase, createSqliteDatabase } from '../support/databases.js';
import { type Storage, newTenant, openStorage } from '../support/storage.js';

let database: TestDatabase;
let storage: Storage;
let intruder: Database.Database;

beforeEach(async () => {
  database = await createSqliteDatabase();
  storage = await openStorage(database.url);
  // As a backup or somebody's command line does.
  intruder = new Database(database.url.slice('sqlite:'.length));
  intruder.exec('BEGIN IMMEDIATE');
});

afterEach(async () => {
  intruder.close();
  await storage.close();
  await database.drop();
});

const run = { skill_name: 's', completed: true };

it('while another process holds the file, what is recorded waits, and nothing else does', async () => {
  const tenant = newTenant();
  const begun = performance.now();
  const recorded = storage.skills.record(tenant, run);
  // The longest that the event loop stands still meanwhile.
  let longest = 0;
  let last = performance.now();
  while (performance.now() - begun < 300) {
    await new Promise(setImmediate);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }
  expect(longest).toBeLessThan(150);
  const state = await storage.feed.collect({
    tenant,
    filter: NO_FILTER,
    features: ALL_FEATURES,
    timestamp: Date.now(),
  });
  expect(state['top_skills']).toEqual([]);

  intruder.exec('COMMIT');
  expect(await recorded).toEqual({ accepted: 1, rejected: [] });
});

it('where the file stays held, what is recorded is refused and may be sent again', async () => {
  const tenant = newTenant();
  await expect(storage.skills.record(tenant, run)).rejects.toMatchObject({ code: 'busy', details: { retryAfter: 1 } });
  intruder.exec('ROLLBACK');
  await storage.skills.record(tenant, run);

  expect(await storage.rows('SELECT total_invocations FROM metricast_skill')).toEqual([{ total_invocations: 1 }]);
});
