import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestApp } from '../support/app.js';
import { WireClient } from '../support/wire-client.js';

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.close());

test('a client that reads gets all of the largest ingest, and is not taken for a slow one', async () => {
  const item = (value: number) => ({ channel: 'orders.metrics', name: 'orders.placed', type: 'gauge', value });
  await app.post('/ingest/metrics', item(0));
  const client = await WireClient.open(app.url('/ws/metrics', 'ws'));
  client.send({ type: 'subscribe', data: { channels: ['orders.metrics'] } });
  await client.next({ type: 'subscribed' });

  const values = Array.from({ length: 10_000 }, (_, index) => index + 1);
  const answered = app.post('/ingest/metrics', values.map(item));
  for (const value of values) expect(await client.next()).toMatchObject({ value, offset: value + 1 });
  expect((await answered).status).toBe(202);
  await client.close();
});
