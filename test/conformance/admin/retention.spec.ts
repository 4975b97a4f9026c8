import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Scheduler } from '../../../src/scheduler/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { PrometheusText } from '../../support/prometheus-text.js';
import { RestReader } from '../../support/rest-reader.js';
import { changeSettings } from '../../support/settings.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

const DAY = 86_400;
const now = Math.floor(Date.now() / 1000);
const WINDOWS = ['1m', '5m', '1h'];

let app: TestApp;
let deleteNow: () => unknown;
const every = vi.spyOn(Scheduler.prototype, 'every');

beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET } });
  const [, interval, job] = every.mock.calls.find(([name]) => name === 'metricast:retention')!;
  expect(interval).toBe(60_000);
  deleteNow = job;
});

afterAll(async () => {
  const cancel = vi.spyOn(Scheduler.prototype, 'cancel');
  await app.close();
  expect(cancel).toHaveBeenCalledWith('metricast:retention');
});

it('each minute deletes what is older than it is kept: for all tenants, or as one has set it', async () => {
  const [usual, shorter] = [new TestTenant(app), new TestTenant(app)];
  await changeSettings(app, shorter, { retention_days: 7 });
  const timestamps = [60 * DAY, 10 * DAY, 5 * DAY, 60].map((ago) => now - ago);
  for (const tenant of [usual, shorter]) {
    await tenant.record(
      'metrics',
      timestamps.map((timestamp) => gauge('orders.metrics', { timestamp })),
    );
  }
  const lengths = async (tenant: TestTenant) => {
    const reader = new RestReader(app, tenant);
    const answers = WINDOWS.map((interval) =>
      reader.get(`/channels/orders.metrics/history?start_time=${now - 100 * DAY}&aggregation_interval=${interval}`),
    );
    return (await Promise.all(answers)).map(({ body }) => (body['metrics'] as unknown[]).length);
  };
  const deleted = async () => {
    const text = new PrometheusText(await (await fetch(app.url('/metrics'))).text());
    expect(text.labels.get('table')).toEqual(new Set(['metricast_metric_point', 'metricast_rollup']));
    return text.valueOf('metricast_expired_rows_total', { table: 'metricast_metric_point' });
  };
  await deleteNow();
  // What a level does not keep is shown as coarsely as it is kept.
  expect([await lengths(usual), await lengths(shorter)]).toEqual([
    [4, 4, 4],
    [2, 2, 2],
  ]);
  expect(await deleted()).toBe(6);

  await changeSettings(app, usual, { retention_days: 1 });
  await deleteNow();
  expect(await lengths(usual)).toEqual([1, 1, 1]);
});

it('believes no clock that was wrong already when the server started, whatever is recorded by it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'metricast-clock-'));
  const options = { auth: { secret: SECRET }, database: `sqlite:${join(folder, 'metricast.db')}` };
  const first = await TestApp.start(options);
  const before = new TestTenant(first);
  await before.record('metrics', [gauge('orders.metrics', { timestamp: now - 60 })]);
  await first.close();
  every.mockClear();
  vi.useFakeTimers({ toFake: ['Date'], now: (now + 800 * DAY) * 1000 });
  const second = await TestApp.start(options);
  await new TestTenant(second).record('metrics', [gauge('orders.metrics')]);
  const [, , job] = every.mock.calls.find(([name]) => name === 'metricast:retention')!;
  await job();
  vi.useRealTimers();

  const reader = new RestReader(second, before);
  const { body } = await reader.get(`/channels/orders.metrics/history?start_time=${now - DAY}&aggregation_interval=1m`);
  expect(body['metrics']).toHaveLength(1);
  await second.close();
  rmSync(folder, { recursive: true });
});
