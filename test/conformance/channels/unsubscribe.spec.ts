import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('unsubscribing over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create('orders.metrics', 'stock.metrics');
    client = await tenant.watch(encoding);
    await client.subscribe(['orders.metrics', 'stock.metrics', 'alerts.events']);
    return () => client.close();
  });

  const recordInBoth = () => tenant.record('metrics', [gauge('orders.metrics'), gauge('stock.metrics')]);

  it.each([
    { form: 'beside the type', command: { channels: ['orders.metrics'] } },
    { form: 'under data', command: { data: { channels: ['orders.metrics'] } } },
  ])('ends the channels named $form and leaves the others', async ({ command }) => {
    client.send({ type: 'unsubscribe', ...command });

    expect(await client.next()).toEqual({ type: 'unsubscribed', channels: ['alerts.events', 'stock.metrics'] });
    await recordInBoth();
    expect(await client.settled()).toMatchObject([{ channel: 'stock.metrics' }]);
  });

  it.each([{}, { data: {} }, { channels: null }])('ends all where it names none: %j', async (command) => {
    client.send({ type: 'unsubscribe', ...command });

    expect(await client.next()).toEqual({ type: 'unsubscribed', channels: [] });
    await recordInBoth();
    expect(await client.settled()).toEqual([]);
  });

  it('passes over channels that are not subscribed, or do not exist', async () => {
    const answer = await client.ask({
      type: 'unsubscribe',
      channels: ['agent.metrics', 'nope.metrics', '', 'orders.metrics', 'orders.metrics'],
    });

    expect(answer).toMatchObject({ type: 'unsubscribed', channels: ['alerts.events', 'stock.metrics'] });
  });

  it.each(['orders.metrics', 7, [7], { 'orders.metrics': true }])(
    'is refused where the channels are no list of names: %j',
    async (channels) => {
      expect(await client.ask({ type: 'unsubscribe', channels })).toMatchObject({
        type: 'error',
        code: 'bad_subscription',
      });
      expect(await client.ask({ type: 'unsubscribe', channels: ['nope.metrics'] })).toMatchObject({
        channels: ['alerts.events', 'orders.metrics', 'stock.metrics'],
      });
    },
  );

  it('stops a collected state while another client goes on getting it', async () => {
    const other = await tenant.watch(encoding);
    await client.subscribe(['skills.metrics']);
    await other.subscribe(['skills.metrics']);
    await client.nextOf('skills.metrics');
    await client.ask({ type: 'unsubscribe', channels: ['skills.metrics'] });

    for (let update = 0; update < 3; update++) await other.nextOf('skills.metrics');

    expect(await client.settled()).toEqual([]);
    await other.close();
  });

  it('can be followed by a subscribe, which starts anew', async () => {
    await client.ask({ type: 'unsubscribe' });
    await client.subscribe(['orders.metrics']);
    await recordInBoth();

    expect(await client.settled()).toMatchObject([{ channel: 'orders.metrics' }]);
  });
});
