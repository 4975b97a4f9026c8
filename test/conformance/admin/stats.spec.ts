import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestClient } from '../../support/rest-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

describe.each<Platform>(['express', 'fastify'])('the statistics of an instance on %s', (platform) => {
  let app: TestApp;
  let operator: RestClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
    operator = new RestClient(app, { tenant_id: 'operations', roles: ['operator'] });
  });
  afterAll(() => app.close());

  it('count nothing before anybody came', async () => {
    expect(await operator.get('/admin/stats')).toMatchObject({
      status: 200,
      body: {
        connected_clients: 0,
        subscriptions: 0,
        audiences: 0,
        uptime: expect.any(Number) as number,
        by_dialect: {},
        by_transport: {},
        by_tenant: {},
        publications: 0,
        frames: 0,
        bytes: 0,
        conflated: 0,
        queued_bytes: 0,
      },
    });
  });

  it('count clients by dialect, transport and tenant, subscriptions, audiences, and what was sent', async () => {
    const [one, other] = [new TestTenant(app), new TestTenant(app)];
    await one.create('orders.metrics');
    const [first, second] = [await one.watch(), await one.watch()];
    for (const client of [first, second]) await client.subscribe(['orders.metrics', 'alerts.events']);
    const stream = await other.stream('dialect=routing');
    await stream.next();
    const { body: before } = await operator.get('/admin/stats');
    await one.record('metrics', [gauge('orders.metrics'), gauge('orders.metrics')]);
    for (const client of [first, first, second, second]) await client.nextOf('orders.metrics');

    const { body: after } = await operator.get('/admin/stats');
    expect(after).toMatchObject({
      connected_clients: 3,
      subscriptions: 5,
      audiences: 3,
      by_dialect: { channels: 2, routing: 1 },
      by_transport: { sse: 1, websocket: 2 },
      by_tenant: { [one.id]: 2, [other.id]: 1 },
    });
    const grown = (name: string) => (after[name] as number) - (before[name] as number);
    expect(grown('publications')).toBeGreaterThanOrEqual(2);
    expect(grown('frames')).toBeGreaterThanOrEqual(4);
    expect(grown('bytes')).toBeGreaterThan(4 * 100);
    await Promise.all([first.close(), second.close(), stream.close()]);
  });

  it('are for operators: an administrator gets 403', async () => {
    const admin = new RestClient(app, { roles: ['admin', 'viewer', 'ingest'] });

    expect(await admin.get('/admin/stats')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await fetch(app.url('/admin/stats'))).status).toBe(401);
  });
});
