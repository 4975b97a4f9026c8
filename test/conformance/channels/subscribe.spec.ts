import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('subscribing over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  it('is acknowledged with the channels and where each of them stands', async () => {
    await tenant.create('orders.metrics', 'orders.metrics');

    client.send({ type: 'subscribe', data: { channels: ['orders.metrics'] } });

    expect(await client.next()).toEqual({
      type: 'subscribed',
      channels: ['orders.metrics'],
      positions: { 'orders.metrics': { epoch: expect.any(String) as string, offset: 2 } },
    });
  });

  it('is acknowledged with all channels of the connection, sorted', async () => {
    await client.subscribe(['system.metrics', 'executions.events']);
    const ack = await client.subscribe(['agent.metrics']);

    expect(ack['channels']).toEqual(['agent.metrics', 'executions.events', 'system.metrics']);
    expect(Object.keys(ack['positions'] as object)).toEqual(ack['channels']);
  });

  it('counts a channel once that is named twice', async () => {
    expect(await client.subscribe(['agent.metrics', 'agent.metrics'])).toMatchObject({ channels: ['agent.metrics'] });
    expect(await client.subscribe(['agent.metrics'])).toMatchObject({ channels: ['agent.metrics'] });

    await tenant.create('orders.metrics');
    await client.subscribe(['orders.metrics', 'orders.metrics']);
    await client.subscribe(['orders.metrics']);
    await tenant.record('metrics', gauge('orders.metrics'));

    expect(await client.settled()).toHaveLength(1);
  });

  it.each([
    'system.metrics',
    'workflow.metrics',
    'agent.metrics',
    'distributed.metrics',
    'skills.metrics',
    'tools.metrics',
    'routing.metrics',
    'executions.events',
    'alerts.events',
  ])('knows the built-in channel %s', async (channel) => {
    expect(await client.subscribe([channel])).toMatchObject({ type: 'subscribed', channels: [channel] });
  });

  it('names each unknown channel in an error and takes the known ones of the same frame', async () => {
    client.send({ type: 'subscribe', id: 5, data: { channels: ['nope.metrics', 'agent.metrics', 'never.events'] } });

    const unknown = { type: 'error', message: 'Invalid subscription: unknown channel', code: 'unknown_channel', id: 5 };
    expect(await client.next()).toEqual({ ...unknown, channel: 'nope.metrics' });
    expect(await client.next()).toEqual({ ...unknown, channel: 'never.events' });
    expect(await client.next()).toMatchObject({ type: 'subscribed', channels: ['agent.metrics'], id: 5 });
  });

  it.each([
    'orders',
    'ORDERS.metrics',
    'orders metrics',
    'orders.metricsx',
    '.metrics',
    `${'a'.repeat(121)}.metrics`,
    '',
  ])('knows no channel of the name "%s"', async (channel) => {
    expect(await client.subscribe([channel])).toMatchObject({ type: 'error', code: 'unknown_channel' });
  });

  it('takes a name of 128 characters', async () => {
    const channel = `${'a'.repeat(120)}.metrics`;
    await tenant.create(channel);

    expect(await client.subscribe([channel])).toMatchObject({ type: 'subscribed', channels: [channel] });
  });

  it('knows a channel from its first recorded value on, in its own tenant alone', async () => {
    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ code: 'unknown_channel' });
    await tenant.create('orders.metrics');
    const stranger = await new TestTenant(app).watch(encoding);

    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ channels: ['orders.metrics'] });
    expect(await stranger.subscribe(['orders.metrics'])).toMatchObject({ code: 'unknown_channel' });
    await stranger.close();
  });

  it('knows gateway.metrics for operators alone', async () => {
    const operator = await tenant.watch(encoding, tenant.token({ roles: ['operator'] }));

    expect(await operator.subscribe(['gateway.metrics'])).toMatchObject({ channels: ['gateway.metrics'] });
    expect(await client.subscribe(['gateway.metrics'])).toMatchObject({ code: 'unknown_channel' });
    await operator.close();
  });

  it('replaces the options of a channel that is named again, and of no other', async () => {
    await tenant.create('orders.metrics', 'stock.metrics');
    await client.subscribe(['orders.metrics', 'stock.metrics'], { tags: { shop: 'north' } });
    await client.subscribe(['orders.metrics'], { tags: { shop: 'south' } });

    const both = [{ tags: { shop: 'north' } }, { tags: { shop: 'south' } }];
    await tenant.record('metrics', [
      ...both.map((tags) => gauge('orders.metrics', tags)),
      ...both.map((tags) => gauge('stock.metrics', tags)),
    ]);

    expect(await client.settled()).toMatchObject([
      { channel: 'orders.metrics', tags: { shop: 'south' } },
      { channel: 'stock.metrics', tags: { shop: 'north' } },
    ]);
  });

  it('drops the tags of a channel that is named again without any', async () => {
    await tenant.create('orders.metrics');
    await client.subscribe(['orders.metrics'], { tags: { shop: 'north' } });
    await client.subscribe(['orders.metrics']);
    await tenant.record('metrics', gauge('orders.metrics', { tags: { shop: 'south' } }));

    expect(await client.settled()).toMatchObject([{ tags: { shop: 'south' } }]);
  });
});
