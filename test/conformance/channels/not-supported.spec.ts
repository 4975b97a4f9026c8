import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('what is not served yet, over %s', (encoding) => {
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

  it.each([{ type: 'get_history', data: { channel: 'orders.metrics', start_time: '2026-11-20T00:00:00Z' } }])(
    'the command $type is answered so',
    async (command) => {
      client.send({ ...command, id: 9 });

      expect(await client.next()).toEqual({
        type: 'error',
        message: `Not supported: ${command.type}`,
        code: 'not_supported',
        id: 9,
      });
    },
  );

  it.each([
    { option: 'aggregation_interval', value: '5s' },
    { option: 'since', value: '2026-11-20T00:00:00Z' },
    { option: 'since', value: 1699459200 },
    { option: 'recover', value: { 'orders.metrics': { epoch: 'x', offset: 1 } } },
  ])('a subscribe with $option $value is answered so, and nothing of it is done', async ({ option, value }) => {
    const answer = await client.subscribe(['orders.metrics'], { [option]: value });
    await tenant.record('metrics', gauge('orders.metrics'));

    expect(answer).toMatchObject({ type: 'error', message: `Not supported: ${option}`, code: 'not_supported' });
    expect(await client.settled()).toEqual([]);
  });

  it('leaves the subscriptions from before as they are', async () => {
    await client.subscribe(['orders.metrics'], { tags: { shop: 'north' } });
    await client.subscribe(['orders.metrics'], { aggregation_interval: '1s' });
    await tenant.record('metrics', [gauge('orders.metrics'), gauge('orders.metrics', { tags: { shop: 'north' } })]);

    expect(await client.settled()).toMatchObject([{ tags: { shop: 'north' } }]);
  });

  it.each(['aggregation_interval', 'since', 'recover'])(
    'does not meet a subscribe whose %s is null',
    async (option) => {
      expect(await client.subscribe(['orders.metrics'], { [option]: null })).toMatchObject({ type: 'subscribed' });
    },
  );

  it('does not count as malformed: a client that keeps asking stays connected', async () => {
    for (let time = 0; time < 25; time++) {
      expect(await client.ask({ type: 'get_history' })).toMatchObject({ code: 'not_supported' });
    }
  });
});
