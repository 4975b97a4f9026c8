import { afterAll, beforeAll, describe } from 'vitest';
import { type DatabaseKind, type TestDatabase, DATABASES } from '../support/databases.js';
import { type Storage, openStorage } from '../support/storage.js';
import { anomaliesContract } from './store/anomalies.contract.js';
import { indexesContract } from './store/indexes.contract.js';
import { migrationsContract } from './store/migrations.contract.js';
import { recordedIdsContract } from './store/recorded-ids.contract.js';
import { recordingContract } from './store/recording.contract.js';
import { seriesContract } from './store/series.contract.js';
import { skillWindowsContract } from './store/skill-windows.contract.js';
import { skillsStateContract } from './store/skills-state.contract.js';
import { skillsContract } from './store/skills.contract.js';
import { transactorContract } from './store/transactor.contract.js';
import { writeQueueContract } from './store/write-queue.contract.js';

/** All that has to hold of what is stored, whatever the database. */
export function storeContract(kind: DatabaseKind): void {
  let database: TestDatabase;
  let storage: Storage;

  beforeAll(async () => {
    database = await DATABASES[kind]();
    storage = await openStorage(database.url);
  });

  afterAll(async () => {
    await storage.close();
    await database.drop();
  });

  const opened = () => storage;
  const another = () => openStorage(database.url);
  describe('migrations', () => migrationsContract(DATABASES[kind]));
  describe('transactor', () => transactorContract(opened));
  describe('write queue', () => writeQueueContract(opened, another));
  describe('recorded ids', () => recordedIdsContract(opened));
  describe('series', () => seriesContract(opened));
  describe('recording', () => recordingContract(opened, another));
  describe('skills', () => skillsContract(opened));
  describe('skill windows', () => skillWindowsContract(opened));
  describe('state of the skills', () => skillsStateContract(opened));
  describe('anomalies', () => anomaliesContract(opened, another));
  describe('indexes', () => indexesContract(opened));
}
