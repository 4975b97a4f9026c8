import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('a tag filter over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, tags: { env: 'test', region: 'eu' } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create('orders.metrics');
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  const recorded = [
    { value: 1, tags: { shop: 'north', kind: 'food' } },
    { value: 2, tags: { shop: 'south', kind: 'food' } },
    { value: 3, tags: { shop: 'south', kind: 'toys' } },
    { value: 4, tags: { shop: 'west' } },
    { value: 5 },
  ];

  it.each([
    { tags: {}, lets: [1, 2, 3, 4, 5] },
    { tags: null, lets: [1, 2, 3, 4, 5] },
    { tags: { shop: 'south' }, lets: [2, 3] },
    { tags: { shop: 'south', kind: 'food' }, lets: [2] },
    { tags: { kind: 'food', shop: 'south' }, lets: [2] },
    { tags: { shop: ['north', 'west'] }, lets: [1, 4] },
    { tags: { shop: ['south'] }, lets: [2, 3] },
    { tags: { shop: ['north', 'south'], kind: ['food', 'books'] }, lets: [1, 2] },
    { tags: { shop: 'east' }, lets: [] },
    { tags: { shop: 'South' }, lets: [] },
    { tags: { shop: 'sou' }, lets: [] },
    { tags: { colour: 'red' }, lets: [] },
    { tags: { shop: 'south', colour: 'red' }, lets: [] },
  ])('$tags lets the values $lets through', async ({ tags, lets }) => {
    await client.subscribe(['orders.metrics'], { tags });
    await tenant.record(
      'metrics',
      recorded.map((fields) => gauge('orders.metrics', fields)),
    );

    expect((await client.settled()).map(({ value }) => value)).toEqual(lets);
  });

  it.each([
    { tags: ['shop', 'south'] },
    { tags: 'shop=south' },
    { tags: { shop: 7 } },
    { tags: { shop: null } },
    { tags: { shop: { is: 'south' } } },
    { tags: { shop: [] } },
    { tags: { shop: ['south', 7] } },
    { tags: { shop: [['south']] } },
    { tags: { shop: '' } },
    { tags: { shop: 'x'.repeat(257) } },
    { tags: { 'no name': 'x' } },
    { tags: { '': 'x' } },
  ])('is refused where it is none, and nothing is subscribed: %j', async ({ tags }) => {
    expect(await client.subscribe(['orders.metrics'], { tags })).toMatchObject({
      type: 'error',
      code: 'bad_subscription',
      message: expect.stringMatching(/^Subscription error: /) as string,
    });
    await tenant.record('metrics', gauge('orders.metrics'));

    expect(await client.settled()).toEqual([]);
  });

  it('may have 32 pairs, and not one more', async () => {
    const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`tag${at}`, 'x']));

    expect(await client.subscribe(['orders.metrics'], { tags: pairs(33) })).toMatchObject({
      code: 'bad_subscription',
      message: 'Subscription error: at most 32 tag pairs',
    });
    expect(await client.subscribe(['orders.metrics'], { tags: pairs(32) })).toMatchObject({ type: 'subscribed' });
    await tenant.record('metrics', [gauge('orders.metrics', { tags: pairs(32), value: 9 }), gauge('orders.metrics')]);
    expect(await client.settled()).toMatchObject([{ value: 9 }]);
  });

  it.each([{ env: 'test' }, { env: ['prod', 'test'], region: 'eu' }, {}])(
    'lets a collected state through whose tags match: %j',
    async (tags) => {
      await client.subscribe(['skills.metrics'], { tags });

      expect(await client.nextOf('skills.metrics')).toMatchObject({ tags: { env: 'test', region: 'eu' } });
    },
  );

  it.each([{ env: 'prod' }, { env: 'test', region: 'us' }, { colour: 'red' }])(
    'holds a collected state back whose tags do not match: %j',
    async (tags) => {
      const open = await tenant.watch(encoding);
      await client.subscribe(['skills.metrics'], { tags });
      await open.subscribe(['skills.metrics']);

      for (let update = 0; update < 3; update++) await open.nextOf('skills.metrics');

      expect(await client.settled()).toEqual([]);
      await open.close();
    },
  );

  it('can name the host and the instance of a collected state', async () => {
    const open = await tenant.watch(encoding);
    await open.subscribe(['skills.metrics']);
    const { host, instance } = (await open.nextOf('skills.metrics'))['tags'] as Record<string, string>;
    await client.subscribe(['skills.metrics'], { tags: { host, instance } });

    expect(await client.nextOf('skills.metrics')).toMatchObject({ tags: { host, instance } });
    await open.close();
  });

  it('in a token is added to that of every subscribe', async () => {
    const clerk = await tenant.watch(encoding, tenant.token({ filter: { shop: ['north', 'south'] } }));
    await clerk.subscribe(['orders.metrics']);
    const record = () =>
      tenant.record(
        'metrics',
        recorded.map((fields) => gauge('orders.metrics', fields)),
      );

    await record();
    expect((await clerk.settled()).map(({ value }) => value)).toEqual([1, 2, 3]);

    await clerk.subscribe(['orders.metrics'], { tags: { shop: ['south', 'west'], kind: 'food' } });
    await record();
    expect((await clerk.settled()).map(({ value }) => value)).toEqual([2]);

    await clerk.subscribe(['orders.metrics'], { tags: { shop: 'west' } });
    await record();
    expect(await clerk.settled()).toEqual([]);
    await clerk.close();
  });
});
