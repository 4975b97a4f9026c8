import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('presence over %s', (encoding) => {
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
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  const presenceOf = (channel: unknown) => client.ask({ type: 'presence', data: { channel } });

  it('is nobody where nobody listens', async () => {
    client.send({ type: 'presence', data: { channel: 'orders.metrics' } });

    expect(await client.next()).toEqual({ type: 'presence', channel: 'orders.metrics', presence: [] });
  });

  it('is every subject of the tenant that listens, sorted, with how many connections', async () => {
    const as = (sub: string) => tenant.watch('JSON', tenant.token({ sub }));
    const clients = [await as('grace'), await as('ada'), await as('grace'), await as('edsger')];
    for (const one of clients.slice(0, 3)) await one.subscribe(['orders.metrics', 'alerts.events']);
    await clients[3]!.subscribe(['alerts.events']);
    const stranger = await new TestTenant(app).watch();
    await stranger.subscribe(['alerts.events']);

    expect(await presenceOf('orders.metrics')).toMatchObject({
      presence: [
        { subject: 'ada', connections: 1 },
        { subject: 'grace', connections: 2 },
      ],
    });
    expect((await presenceOf('alerts.events'))['presence']).toEqual([
      { subject: 'ada', connections: 1 },
      { subject: 'edsger', connections: 1 },
      { subject: 'grace', connections: 2 },
    ]);
    await Promise.all([...clients, stranger].map((one) => one.close()));
  });

  it('counts whoever is shown the channel, in whichever dialect, with whichever filter, by whichever transport', async () => {
    const token = (sub: string) => tenant.token({ sub });
    const tools = await tenant.watchTools('tool_id=claude-code', token('tools'));
    const stream = await tenant.stream('channels=tools.metrics&dialect=channels&format=points', token('stream'));
    await Promise.all([tools.next({ type: 'metrics' }), stream.next({ type: 'subscribed' })]);
    const workspace = await tenant.watchWorkspace(token('workspace'));
    workspace.send({ type: 'subscribe', event_types: ['alert'] });
    await workspace.next({ event: 'subscribed' });

    expect((await presenceOf('tools.metrics'))['presence']).toEqual([
      { subject: 'stream', connections: 1 },
      { subject: 'tools', connections: 1 },
    ]);
    expect((await presenceOf('alerts.events'))['presence']).toEqual([{ subject: 'workspace', connections: 1 }]);
    await Promise.all([tools.close(), stream.close(), workspace.close()]);
  });

  it('ends with the subscription, and the subscription again and again is one', async () => {
    await client.subscribe(['orders.metrics']);
    await client.subscribe(['orders.metrics'], { tags: { shop: 'north' }, format: 'points' });
    expect((await presenceOf('orders.metrics'))['presence']).toEqual([
      { subject: `ada of ${tenant.id}`, connections: 1 },
    ]);
    await client.ask({ type: 'unsubscribe', channels: ['orders.metrics'] });

    expect((await presenceOf('orders.metrics'))['presence']).toEqual([]);
  });

  it('of a channel that does not exist is answered as a subscribe is', async () => {
    for (const name of ['nope.metrics', 'gateway.metrics', 'no channel', '__proto__', 'x'.repeat(300)]) {
      const { id: _asked, ...subscribed } = await client.subscribe([name]);
      await client.settled();
      const { id: _id, ...answer } = await presenceOf(name);

      expect(answer).toEqual(subscribed);
      expect(answer).toMatchObject({ type: 'error', code: 'unknown_channel' });
    }
  });

  it('of gateway.metrics is told to operators', async () => {
    const operator = await tenant.watch(encoding, tenant.token({ sub: 'grace', roles: ['operator'] }));
    await operator.subscribe(['gateway.metrics']);

    expect(await operator.ask({ type: 'presence', data: { channel: 'gateway.metrics' } })).toMatchObject({
      presence: [{ subject: 'grace', connections: 1 }],
    });
    await operator.close();
  });

  it('of what is no name is an error, and of nobody who may not read', async () => {
    for (const channel of [undefined, null, 7, [], {}]) {
      expect(await presenceOf(channel)).toMatchObject({
        type: 'error',
        message: 'Invalid request: channel must be a channel name',
        code: 'bad_request',
      });
    }
    const recorder = await tenant.watch('JSON', tenant.token({ roles: ['ingest'] }));
    expect(await recorder.ask({ type: 'presence', data: { channel: 'orders.metrics' } })).toMatchObject({
      code: 'forbidden',
    });
    await recorder.close();
  });
});
