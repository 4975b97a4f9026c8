import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../../src/store/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, alert, gauge } from '../../support/test-tenant.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

const FAILING = [
  {
    query: 'dialect=skills',
    channel: 'skills.metrics',
    table: 'metricast_skill',
    told: { type: 'error', message: 'Failed to fetch metrics', timestamp: ISO },
  },
  {
    query: 'dialect=routing',
    channel: 'routing.metrics',
    table: 'metricast_decision_bucket',
    told: { error: 'Failed to fetch metrics', timestamp: ISO },
  },
  {
    query: 'dialect=workspace&event_types=metrics_update',
    channel: 'executions.metrics',
    table: 'metricast_execution_total',
    told: { event: 'error', error: 'Failed to fetch metrics', code: 'collect_failed', timestamp: ISO },
  },
  {
    query: 'dialect=channels&channels=skills.metrics',
    channel: 'skills.metrics',
    table: 'metricast_skill',
    told: { type: 'error', message: 'Failed to fetch metrics', channel: 'skills.metrics', code: 'collect_failed' },
  },
];

describe('a stream', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  const database = () => app.app.get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false });

  it.each(FAILING)(
    'of $query tells of a state that cannot be collected by event: error, and goes on',
    async (failing) => {
      const { query, channel, table, told } = failing;
      const isState = ({ message }: { message: object }) =>
        ['data', 'total_decisions', 'top_skills'].some((field) => field in message);
      await database().query(`ALTER TABLE ${table} RENAME TO away`);
      const client = await new TestTenant(app).stream(query);
      const error = await client.nextOf('error');
      await database().query(`ALTER TABLE away RENAME TO ${table}`);

      expect(error).toMatchObject({ lines: 1, message: told });
      expect(error.id).toMatch(new RegExp(`^${channel}@[0-9a-f-]{36}:\\d+$`));
      expect(await client.find(isState)).toMatchObject({ type: 'metrics' });
      await client.close();
    },
  );

  it.each(['workspace&event_types=alert', 'channels&channels=alerts.events'])(
    'of %s cannot be made to say what a recorded text says',
    async (query) => {
      const tenant = new TestTenant(app);
      const client = await tenant.stream(`dialect=${query}`);
      await client.find(({ message }) => 'event_types' in message || 'channels' in message);
      const message = [
        'first line\r\n',
        'event: error\rdata: {"forged":1}\r\rid: forged\nretry: 1\n\n',
        ': comment\n\ndata: {"forged":2}\n\n\n',
      ].join('');
      const { status } = await tenant.record('alerts', [alert({ message }), alert({ message: 'after' })]);
      expect(status).toBe(202);

      const event = await client.next();
      expect(event).toMatchObject({ type: 'metrics', lines: 1, message: { data: { message } } });
      expect(event.id).toMatch(/^alerts\.events@[0-9a-f-]{36}:\d+$/);
      expect((await client.next()).message).toMatchObject({ data: { message: 'after' } });
      expect(client.raw).not.toContain('\r');
      expect(client.comments).toBe(0);
      expect(client.retry).toBe(3000);
      await client.close();
    },
  );

  it('cannot be made to say what tags say, either', async () => {
    const tenant = new TestTenant(app);
    await tenant.create('orders.metrics');
    const client = await tenant.stream('dialect=channels&channels=orders.metrics');
    await client.next({ type: 'subscribed' });
    const tags = { note: 'data: {"forged":1}', 'a.b': 'id: 7', c: '"}' };
    await tenant.record('metrics', gauge('orders.metrics', { name: 'event: error', tags }));

    expect(await client.next()).toMatchObject({ type: 'metrics', lines: 1, message: { name: 'event: error', tags } });
    await client.close();
  });

  it('that cannot be begun ends with an internal error; why is for the log alone', async () => {
    const log: string[] = [];
    app.app.useLogger({ log: () => undefined, warn: () => undefined, error: (text: string) => log.push(text) });
    await database().query('ALTER TABLE metricast_metric_series RENAME TO away');
    const client = await new TestTenant(app).stream('dialect=channels&channels=never.seen.metrics');
    await client.closed;
    await database().query('ALTER TABLE away RENAME TO metricast_metric_series');
    await client.next({ type: 'welcome' });

    expect(await client.next()).toMatchObject({
      type: 'error',
      message: { type: 'error', message: 'Internal error', code: 'internal' },
    });
    expect((await client.next()).message).toEqual({ code: 1011, reason: 'internal error', reconnect: true });
    expect(client.raw.match(/^retry: \d+$/gm)).toHaveLength(2);
    expect(log).toEqual([expect.stringMatching(/no such table/)]);
  });
});
