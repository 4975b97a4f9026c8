import { afterAll, beforeAll, describe } from 'vitest';
import { type DatabaseKind, type TestDatabase, DATABASES } from '../support/databases.js';
import { type Storage, openStorage } from '../support/storage.js';
import { alertsContract } from './store/alerts.contract.js';
import { anomaliesContract } from './store/anomalies.contract.js';
import { anomalyRoundsContract } from './store/anomaly-rounds.contract.js';
import { decisionsContract } from './store/decisions.contract.js';
import { distributedContract } from './store/distributed.contract.js';
import { eventTypesContract } from './store/event-types.contract.js';
import { eventsContract } from './store/events.contract.js';
import { executionsContract } from './store/executions.contract.js';
import { executionsStateContract } from './store/executions-state.contract.js';
import { historyPaceContract } from './store/history-pace.contract.js';
import { historyResolutionContract } from './store/history-resolution.contract.js';
import { historyContract } from './store/history.contract.js';
import { hostEventsContract } from './store/host-events.contract.js';
import { indexesContract } from './store/indexes.contract.js';
import { keptStatesContract } from './store/kept-states.contract.js';
import { latestContract } from './store/latest.contract.js';
import { migrationsContract } from './store/migrations.contract.js';
import { recordedIdsContract } from './store/recorded-ids.contract.js';
import { recordingContract } from './store/recording.contract.js';
import { retentionContract } from './store/retention.contract.js';
import { revocationsContract } from './store/revocations.contract.js';
import { rollupsContract } from './store/rollups.contract.js';
import { routingStateContract } from './store/routing-state.contract.js';
import { seriesContract } from './store/series.contract.js';
import { skillWindowsContract } from './store/skill-windows.contract.js';
import { skillsListsContract } from './store/skills-lists.contract.js';
import { skillsStateContract } from './store/skills-state.contract.js';
import { skillsContract } from './store/skills.contract.js';
import { tenantsContract } from './store/tenants.contract.js';
import { toolsStateContract } from './store/tools-state.contract.js';
import { transactorContract } from './store/transactor.contract.js';
import { upstreamCountersContract } from './store/upstream-counters.contract.js';
import { usageContract } from './store/usage.contract.js';
import { windowsContract } from './store/windows.contract.js';
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
  describe('rollups', () => rollupsContract(opened, another));
  describe('recording', () => recordingContract(opened, another));
  describe('skills', () => skillsContract(opened));
  describe('skill windows', () => skillWindowsContract(opened));
  describe('state of the skills', () => skillsStateContract(opened));
  describe('lists of skills', () => skillsListsContract(opened));
  describe('windows', () => windowsContract(opened));
  describe('kept states', () => keptStatesContract(opened));
  describe('latest', () => latestContract(opened));
  describe('history', () => historyContract(opened));
  describe('pace of history', () => historyPaceContract(opened));
  describe('resolution of history', () => historyResolutionContract(opened));
  describe('anomalies', () => anomaliesContract(opened, another));
  describe('rounds of the anomaly detector', () => anomalyRoundsContract(opened));
  describe('decisions', () => decisionsContract(opened, another));
  describe('state of routing', () => routingStateContract(opened));
  describe('events', () => eventsContract(opened, another));
  describe('types of events', () => eventTypesContract(opened));
  describe('alerts', () => alertsContract(opened));
  describe('distributed', () => distributedContract(opened, another));
  describe('executions', () => executionsContract(opened, another));
  describe('states of the executions', () => executionsStateContract(opened));
  describe('usage', () => usageContract(opened, another));
  describe('state of the tools', () => toolsStateContract(opened));
  describe('tenants', () => tenantsContract(opened, another));
  describe('revocations', () => revocationsContract(opened, another));
  describe('upstream counters', () => upstreamCountersContract(opened, another));
  describe('events of the host', () => hostEventsContract(opened));
  describe('retention', () => retentionContract(DATABASES[kind]));
  describe('indexes', () => indexesContract(opened));
}
