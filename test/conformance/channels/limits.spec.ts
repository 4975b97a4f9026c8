import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

const TOO_MANY = {
  type: 'error',
  code: 'bad_subscription',
  message: 'Subscription error: at most 128 channels a connection',
};
const names = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `orders-${from + at}.metrics`);

describe.each(ENCODINGS)('the channels of a connection over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create(...names(130));
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  it('may be 128, by one frame', async () => {
    const { channels } = await client.subscribe(names(128));
    await tenant.record(
      'metrics',
      names(128).map((channel) => gauge(channel)),
    );

    expect(channels).toEqual(names(128).sort());
    expect(await client.settled()).toHaveLength(128);
  });

  it('may not be 129 by one frame: nothing of it is done', async () => {
    expect(await client.subscribe(names(129))).toMatchObject(TOO_MANY);
    expect(await client.ask({ type: 'unsubscribe', channels: ['nope.metrics'] })).toMatchObject({ channels: [] });
  });

  it('may not be 129 by several frames: the one too many is refused whole', async () => {
    await client.subscribe(names(127));

    expect(await client.subscribe(names(2, 127))).toMatchObject(TOO_MANY);
    expect((await client.subscribe(names(1, 127)))['channels']).toHaveLength(128);
    expect(await client.subscribe(names(1, 128))).toMatchObject(TOO_MANY);
  });

  it('are not more for one that is named again', async () => {
    await client.subscribe(names(128));

    expect((await client.subscribe(names(128), { tags: { shop: 'north' } }))['channels']).toHaveLength(128);
  });

  it('are fewer for one that is unsubscribed from', async () => {
    await client.subscribe(names(128));
    await client.ask({ type: 'unsubscribe', channels: names(1) });

    expect((await client.subscribe(names(1, 128)))['channels']).toHaveLength(128);
  });

  it('are counted for each connection by itself', async () => {
    const other = await tenant.watch(encoding);
    await client.subscribe(names(128));

    expect(await other.subscribe(names(1, 128))).toMatchObject({ type: 'subscribed' });
    await other.close();
  });
});
