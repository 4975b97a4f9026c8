import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { InstanceRegistry } from '../../../src/feeds/distributed/instance-registry.js';
import { SECRET, TestApp } from '../../support/app.js';
import { ENCODINGS } from '../../support/channels-client.js';
import { createSqliteDatabase } from '../../support/databases.js';
import { openStorage } from '../../support/storage.js';
import { TestTenant } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const TAGS = { host: hostname(), instance: expect.stringMatching(/.+/) as string };

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET } });
});
afterAll(() => app.close());

// The state comes every 5 seconds, so the tests wait for it together.
describe.concurrent.each(ENCODINGS)('distributed.metrics over %s', (encoding) => {
  const recordTasks = (tenant: TestTenant) =>
    tenant.record('metrics', [
      task('tasks.pending', 'gauge', 60, 'a'),
      task('tasks.pending', 'gauge', 40, 'b'),
      task('tasks.running', 'gauge', 50, 'a'),
      task('tasks.completed', 'counter', 10_000, 'a', 30),
      task('tasks.completed', 'counter', 10_630, 'a', 10),
    ]);

  /** The first messages that a client of the tenant is sent. */
  const first = async (tenant: TestTenant, count: number, options: WireMessage = {}) => {
    const client = await tenant.watch(encoding);
    await client.subscribe(['distributed.metrics'], options);
    const messages: WireMessage[] = [];
    while (messages.length < count) messages.push(await client.nextOf('distributed.metrics'));
    await client.close();
    return messages;
  };

  it('shows the nodes, and the tasks that hosts recorded in it, in one message', async () => {
    const tenant = new TestTenant(app);
    await recordTasks(tenant);

    expect(await first(tenant, 1)).toEqual([
      {
        channel: 'distributed.metrics',
        timestamp: ISO,
        tags: TAGS,
        nodes: { active: 1, total: 1 },
        tasks: { pending: 100, running: 50, completed: 10_630 },
        throughput: 10.5,
        offset: expect.any(Number) as number,
      },
    ]);
  });

  it('says null of tasks where none were recorded', async () => {
    expect(await first(new TestTenant(app), 1)).toMatchObject([
      {
        nodes: { active: 1, total: 1 },
        tasks: { pending: null, running: null, completed: null },
        throughput: null,
      },
    ]);
  });

  it('comes as a message for each figure where points are asked for', async () => {
    const tenant = new TestTenant(app);
    await recordTasks(tenant);

    expect(await first(tenant, 4, { format: 'points' })).toMatchObject([
      { name: 'nodes.active', type: 'gauge', value: 1, tags: TAGS },
      { name: 'tasks.pending', type: 'gauge', value: 100 },
      { name: 'tasks.running', type: 'gauge', value: 50 },
      { name: 'throughput', type: 'gauge', value: 10.5 },
    ]);
  });
});

it('the servers that share a database are its nodes, from their start to their end', async () => {
  const database = await createSqliteDatabase();
  onTestFinished(() => database.drop());
  const options = { auth: { secret: SECRET }, database: database.url };
  const one = await TestApp.start(options);
  const nodes = () => one.app.get(InstanceRegistry).counts(Date.now());

  expect(await nodes()).toEqual({ active: 1, total: 1 });
  const other = await TestApp.start(options);
  expect(await nodes()).toEqual({ active: 2, total: 2 });
  await other.close();
  expect(await nodes()).toEqual({ active: 1, total: 1 });
  await one.close();

  const storage = await openStorage(database.url);
  const left = await storage.rows('SELECT instance_id FROM metricast_instance');
  await storage.close();
  expect(left).toEqual([]);
});

/** A value of a host for `POST /ingest/metrics`; its age in seconds. */
function task(name: string, type: string, value: number, host: string, age = 0): Record<string, unknown> {
  const timestamp = Date.now() / 1000 - age;
  return { channel: 'distributed.metrics', name, type, value, tags: { host }, timestamp };
}
