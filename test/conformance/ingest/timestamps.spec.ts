import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import type { ChannelsClient } from '../../support/channels-client.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

describe('the timestamp of an item', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create('orders.metrics');
    client = await tenant.watch();
    await client.subscribe(['orders.metrics']);
    return () => client.close();
  });

  it.each([
    { timestamp: '2026-11-20T12:00:00.123Z', is: '2026-11-20T12:00:00.123Z' },
    { timestamp: '2026-11-20T12:00:00Z', is: '2026-11-20T12:00:00.000Z' },
    { timestamp: '2026-11-20T12:00Z', is: '2026-11-20T12:00:00.000Z' },
    { timestamp: '2026-11-20T13:30:00+01:30', is: '2026-11-20T12:00:00.000Z' },
    { timestamp: '2026-11-20T07:00:00.5-05:00', is: '2026-11-20T12:00:00.500Z' },
    { timestamp: '2026-11-20T12:00:00.123456Z', is: '2026-11-20T12:00:00.123Z' },
    { timestamp: '2026-11-20T12:00:00', is: '2026-11-20T12:00:00.000Z' },
    { timestamp: '2026-11-20', is: '2026-11-20T00:00:00.000Z' },
    { timestamp: 1_700_000_000, is: '2023-11-14T22:13:20.000Z' },
    { timestamp: 1_700_000_000.25, is: '2023-11-14T22:13:20.250Z' },
    { timestamp: 0, is: '1970-01-01T00:00:00.000Z' },
  ])('may be $timestamp, which is $is', async ({ timestamp, is }) => {
    expect(await tenant.record('metrics', gauge('orders.metrics', { timestamp }))).toMatchObject({ status: 202 });

    expect(await client.settled()).toMatchObject([{ timestamp: is }]);
  });

  it.each([undefined, null])('is now where it is %s', async (timestamp) => {
    const before = Date.now();
    await tenant.record('metrics', gauge('orders.metrics', { timestamp }));

    const recorded = Date.parse((await client.next())['timestamp'] as string);

    expect(recorded).toBeGreaterThanOrEqual(before);
    expect(recorded).toBeLessThanOrEqual(Date.now());
  });

  const WHAT_IT_MUST_BE = 'must be an ISO-8601 time or Unix seconds';
  it.each([
    'now',
    '',
    '20.11.2026',
    '2026-13-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-11-20T25:00:00Z',
    '2026-11-20T12:00:00X',
    '1700000000',
    -1,
    true,
    {},
    ['2026-11-20'],
  ])('cannot be %j', async (timestamp) => {
    const rejection = { status: 400, body: { errors: [{ field: '0.timestamp', message: WHAT_IT_MUST_BE }] } };

    expect(await tenant.record('metrics', gauge('orders.metrics', { timestamp }))).toMatchObject(rejection);
    expect(await tenant.record('skills', run('lint', { timestamp }))).toMatchObject(rejection);
  });

  it('cannot be a number that is none', async () => {
    const body = '{"channel":"orders.metrics","name":"a","type":"gauge","value":1,"timestamp":1e999}';

    expect(await tenant.record('metrics', body)).toMatchObject({ status: 400 });
  });

  it('may be up to 5 minutes ahead, by a clock that is fast', async () => {
    const timestamp = Date.now() / 1000 + 290;

    expect(await tenant.record('metrics', gauge('orders.metrics', { timestamp }))).toMatchObject({ status: 202 });
    expect(await tenant.record('skills', run('lint', { timestamp }))).toMatchObject({ status: 202 });
  });

  it.each([
    { ahead: '5 minutes and a bit', of: () => Date.now() / 1000 + 310 },
    { ahead: '5 minutes and a bit, as text', of: () => new Date(Date.now() + 310_000).toISOString() },
    { ahead: 'fifty thousand years, being milliseconds', of: () => Date.now() },
  ])('cannot be $ahead ahead', async ({ of }) => {
    const timestamp = of();
    for (const answer of [
      await tenant.record('metrics', gauge('orders.metrics', { timestamp })),
      await tenant.record('skills', run('lint', { timestamp })),
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: '0.timestamp' }] } });
    }
  });
});
