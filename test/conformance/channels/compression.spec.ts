import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';
import { WireClient, type WireMessage } from '../../support/wire-client.js';

describe('compression', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: WireClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, heartbeatInterval: 1, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create('orders.metrics');
    client = await WireClient.open(app.url(`/ws/metrics?token=${tenant.token()}`, 'ws'));
    await client.next({ type: 'welcome' });
    return () => client.close();
  });

  const subscribe = (options: WireMessage) => ({
    type: 'subscribe',
    data: { channels: ['orders.metrics'], ...options },
  });

  it('is off until it is asked for: answers and values are text', async () => {
    client.send(subscribe({}));
    await client.next({ type: 'subscribed' });
    expect(client.lastWasBinary).toBe(false);

    await tenant.record('metrics', gauge('orders.metrics'));
    await client.next({ channel: 'orders.metrics' });
    expect(client.lastWasBinary).toBe(false);
  });

  it('makes everything MessagePack from the acknowledgement on', async () => {
    client.send(subscribe({ compression: true }));
    expect(await client.next()).toMatchObject({ type: 'subscribed', channels: ['orders.metrics'] });
    expect(client.lastWasBinary).toBe(true);

    await tenant.record('metrics', gauge('orders.metrics'));
    await client.next({ channel: 'orders.metrics' });
    expect(client.lastWasBinary).toBe(true);

    client.send({ type: 'no such type' });
    await client.next({ type: 'error' });
    expect(client.lastWasBinary).toBe(true);

    await client.next({ type: 'ping' });
    expect(client.lastWasBinary).toBe(true);
  });

  it('ends with the acknowledgement of a subscribe that turns it off', async () => {
    client.send(subscribe({ compression: true }));
    await client.next({ type: 'subscribed' });
    client.send(subscribe({ compression: false }));
    await client.next({ type: 'subscribed' });
    expect(client.lastWasBinary).toBe(false);

    await tenant.record('metrics', gauge('orders.metrics'));
    await client.next({ channel: 'orders.metrics' });
    expect(client.lastWasBinary).toBe(false);
  });

  it('stays as it is where a subscribe does not mention it', async () => {
    client.send(subscribe({ compression: true }));
    await client.next({ type: 'subscribed' });
    client.send({ type: 'subscribe', data: { channels: ['agent.metrics'] } });
    await client.next({ type: 'subscribed' });

    expect(client.lastWasBinary).toBe(true);
  });

  it('holds for the whole connection, the channels of earlier subscribes included', async () => {
    client.send(subscribe({ tags: { shop: 'north' } }));
    client.send({ type: 'subscribe', data: { channels: ['skills.metrics'], compression: true } });
    await client.next({ type: 'subscribed' });
    await client.next({ type: 'subscribed' });
    await tenant.record('metrics', [
      gauge('orders.metrics', { tags: { shop: 'south' } }),
      gauge('orders.metrics', { tags: { shop: 'north' } }),
    ]);

    // Its options are what they were.
    expect(await client.next({ channel: 'orders.metrics' })).toMatchObject({ tags: { shop: 'north' } });
    expect(client.lastWasBinary).toBe(true);
    await client.next({ channel: 'skills.metrics' });
    expect(client.lastWasBinary).toBe(true);
  });

  it('does not change the encoding of a neighbour with the same subscription', async () => {
    const neighbour = await WireClient.open(app.url(`/ws/metrics?token=${tenant.token()}`, 'ws'));
    neighbour.send(subscribe({}));
    await neighbour.next({ type: 'subscribed' });
    client.send(subscribe({ compression: true }));
    await client.next({ type: 'subscribed' });
    const received = [client.next({ channel: 'orders.metrics' }), neighbour.next({ channel: 'orders.metrics' })];
    await tenant.record('metrics', gauge('orders.metrics', { value: 0.1 }));

    const [binary, text] = await Promise.all(received);

    expect(binary).toEqual(text);
    expect([client.lastWasBinary, neighbour.lastWasBinary]).toEqual([true, false]);
    await neighbour.close();
  });

  it('says nothing about what the client sends: either encoding is understood at any time', async () => {
    client.sendMessagePack({ type: 'ping', id: 1 });
    expect(await client.next({ type: 'pong' })).toMatchObject({ id: 1 });
    expect(client.lastWasBinary).toBe(false);

    client.sendMessagePack(subscribe({ compression: true }));
    await client.next({ type: 'subscribed' });
    client.send({ type: 'ping', id: 2 });
    expect(await client.next({ type: 'pong' })).toMatchObject({ id: 2 });
    expect(client.lastWasBinary).toBe(true);
  });

  it('is refused where it is no boolean, and nothing changes', async () => {
    client.send(subscribe({ compression: 'yes' }));

    expect(await client.next()).toMatchObject({ type: 'error', code: 'bad_subscription' });
    expect(client.lastWasBinary).toBe(false);
  });
});
