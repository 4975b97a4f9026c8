import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('the welcome of the channels dialect', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());

  it('comes first, as text, and says who and where the client is', async () => {
    const tenant = new TestTenant(app);
    const before = Date.now() / 1000;
    const client = await WireClient.open(app.url(`/ws/metrics?token=${tenant.token()}`, 'ws'));

    const welcome = await client.next();

    expect(welcome).toEqual({
      type: 'welcome',
      client_id: expect.stringMatching(UUID) as string,
      timestamp: expect.any(Number) as number,
      tenant_id: tenant.id,
      protocol: 'metricast.channels',
      heartbeat_interval: 30,
    });
    expect(client.lastWasBinary).toBe(false);
    expect(welcome['timestamp']).toBeGreaterThanOrEqual(before);
    expect(welcome['timestamp']).toBeLessThanOrEqual(Date.now() / 1000);
    await client.close();
  });

  it('gives every connection an id of its own', async () => {
    const tenant = new TestTenant(app);
    const clients = await Promise.all([tenant.watch(), tenant.watch(), tenant.watch()]);

    expect(new Set(clients.map(({ welcome }) => welcome['client_id'])).size).toBe(3);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('subscribes to nothing by itself', async () => {
    const tenant = new TestTenant(app);
    await tenant.create('orders.metrics');
    const client = await tenant.watch();
    await tenant.record('metrics', { channel: 'orders.metrics', name: 'placed', type: 'counter', value: 1 });

    expect(await client.settled()).toEqual([]);
    expect(await client.ask({ type: 'unsubscribe', channels: ['orders.metrics'] })).toMatchObject({ channels: [] });
    await client.close();
  });
});
