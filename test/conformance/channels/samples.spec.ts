import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('recorded values over %s', (encoding) => {
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
    await client.subscribe(['orders.metrics']);
    return () => client.close();
  });

  it.each([
    { type: 'gauge', value: -12.5 },
    { type: 'counter', value: 42 },
    { type: 'histogram', value: 0.1 },
    { type: 'gauge', value: 0 },
    { type: 'gauge', value: 1.7976931348623157e308 },
  ])('arrive as they were recorded: $type $value', async ({ type, value }) => {
    await tenant.record('metrics', {
      channel: 'orders.metrics',
      name: 'orders.placed – größte',
      type,
      value,
      tags: { shop: 'north', 'geo.region': 'ö, "quoted"' },
      timestamp: '2026-11-20T12:00:00.123Z',
    });

    expect(await client.next()).toEqual({
      channel: 'orders.metrics',
      name: 'orders.placed – größte',
      type,
      value,
      timestamp: '2026-11-20T12:00:00.123Z',
      tags: { shop: 'north', 'geo.region': 'ö, "quoted"' },
      offset: 2,
    });
  });

  it('bear the time of their recording and no tags where they were recorded without', async () => {
    const before = Date.now();
    await tenant.record('metrics', gauge('orders.metrics'));

    const { timestamp, tags } = await client.next();

    expect(tags).toEqual({});
    expect(timestamp).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);
    expect(Date.parse(timestamp as string)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(timestamp as string)).toBeLessThanOrEqual(Date.now());
  });

  it('arrive one by one, in the order of the request, numbered without a gap', async () => {
    const values = Array.from({ length: 500 }, (_, value) => gauge('orders.metrics', { value }));
    await tenant.record('metrics', values);

    const received = await client.settled();

    expect(received.map(({ value }) => value)).toEqual(values.map(({ value }) => value));
    expect(received.map(({ offset }) => offset)).toEqual(values.map((_, index) => index + 2));
  });

  it('are numbered on from where the acknowledgement says that the channel stands', async () => {
    await tenant.record('metrics', [gauge('orders.metrics'), gauge('orders.metrics')]);
    const late = await tenant.watch(encoding);
    const { positions } = await late.subscribe(['orders.metrics']);
    await tenant.record('metrics', gauge('orders.metrics'));

    const { offset } = await late.nextOf('orders.metrics');

    expect(positions).toMatchObject({ 'orders.metrics': { offset: 3 } });
    expect(offset).toBe(4);
    await late.close();
  });

  it('of several channels are numbered each by itself', async () => {
    await tenant.create('stock.metrics');
    await client.subscribe(['stock.metrics']);
    await tenant.record('metrics', [gauge('stock.metrics'), gauge('orders.metrics'), gauge('stock.metrics')]);

    expect((await client.settled()).map(({ channel, offset }) => [channel, offset])).toEqual([
      ['stock.metrics', 2],
      ['orders.metrics', 2],
      ['stock.metrics', 3],
    ]);
  });

  it('reach every subscriber of the tenant, and nobody of another', async () => {
    const colleague = await tenant.watch(encoding);
    await colleague.subscribe(['orders.metrics']);
    const other = new TestTenant(app);
    await other.create('orders.metrics');
    const stranger = await other.watch(encoding);
    await stranger.subscribe(['orders.metrics']);

    await tenant.record('metrics', gauge('orders.metrics', { value: 7 }));

    expect(await client.settled()).toMatchObject([{ value: 7 }]);
    expect(await colleague.settled()).toMatchObject([{ value: 7 }]);
    expect(await stranger.settled()).toEqual([]);
    await Promise.all([colleague.close(), stranger.close()]);
  });

  it('look the same to who asked for points', async () => {
    await client.subscribe(['orders.metrics'], { format: 'points' });
    await tenant.record('metrics', gauge('orders.metrics', { value: 7 }));

    expect(await client.settled()).toMatchObject([{ channel: 'orders.metrics', name: 'level', value: 7, offset: 2 }]);
  });

  it('are delivered before the request that recorded them is answered, or right after it', async () => {
    const delivered = client.next({ channel: 'orders.metrics' });
    const { status } = await tenant.record('metrics', gauge('orders.metrics'));

    expect(status).toBe(202);
    await delivered;
  });
});
