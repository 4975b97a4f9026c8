import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresDatabase, createPostgresDatabase } from '../support/postgres.js';
import { type Storage, openStorage } from '../support/storage.js';
import { skillsStateContract } from './store/skills-state.contract.js';

let database: PostgresDatabase;
let storage: Storage;

beforeAll(async () => {
  database = await createPostgresDatabase(`TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`);
  storage = await openStorage(database.url);
});

afterAll(async () => {
  await storage.close();
  await database.drop();
});

it('the database orders texts as English does', async () => {
  expect(await storage.rows(`SELECT 'a' < 'B' AS "isEnglish"`)).toEqual([{ isEnglish: true }]);
});

describe('state of the skills', () => skillsStateContract(() => storage));
