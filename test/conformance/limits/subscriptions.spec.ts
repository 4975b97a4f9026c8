import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import type { ChannelsClient } from '../../support/channels-client.js';
import { changeSettings } from '../../support/settings.js';
import { SseClient } from '../../support/sse-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

const refusal = (what: string) => ({
  type: 'error',
  code: 'bad_subscription',
  message: `Subscription error: at most ${what} a connection`,
});
const names = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `orders-${from + at}.metrics`);

let app: TestApp;
let tenant: TestTenant;
let client: ChannelsClient;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
});
afterAll(() => app.close());
beforeEach(async () => {
  tenant = new TestTenant(app);
  await tenant.create(...names(4));
  client = await tenant.watch();
  return () => client.close();
});

const limit = (limits: Record<string, number | null>) => changeSettings(app, tenant, { limits });

describe("a tenant's limit of channels a connection", () => {
  it('holds from the moment that it is set, over all subscribes of a connection', async () => {
    await client.subscribe(names(2));
    await limit({ max_channels_per_connection: 3 });

    expect(await client.subscribe(names(2, 2))).toMatchObject(refusal('3 channels'));
    expect((await client.subscribe(names(1, 2)))['channels']).toEqual(names(3));
    expect(await client.subscribe(names(1, 3))).toMatchObject(refusal('3 channels'));
  });

  it('is that of the names of one frame as well, known or not: none is looked up', async () => {
    await limit({ max_channels_per_connection: 3 });

    expect(await client.subscribe(['a.metrics', 'b.metrics', 'c.metrics', 'd.metrics'])).toMatchObject(
      refusal('3 channels'),
    );
    expect(await client.settled()).toEqual([]);
  });

  it('leaves those alone who have more already', async () => {
    await client.subscribe(names(4));
    await limit({ max_channels_per_connection: 1 });
    await tenant.record('metrics', gauge(names(4)[3]!, { value: 7 }));

    expect(await client.nextOf(names(4)[3]!)).toMatchObject({ value: 7 });
    expect(await client.subscribe(names(1))).toMatchObject(refusal('1 channels'));
  });

  it('of 0 is none, and may be more than the usual', async () => {
    await tenant.create(...names(140));
    await limit({ max_channels_per_connection: 0 });

    expect((await client.subscribe(names(140)))['channels']).toHaveLength(140);
    await limit({ max_channels_per_connection: 130 });
    expect(await client.subscribe(names(1))).toMatchObject(refusal('130 channels'));
  });

  it('is that of event types in `workspace`', async () => {
    await limit({ max_channels_per_connection: 2 });
    const workspace = await tenant.watchWorkspace();
    workspace.send({ type: 'subscribe', event_types: ['alert', 'execution_started', 'execution_completed'] });

    expect(await workspace.next({ event: 'error' })).toMatchObject({
      error: 'Subscription error: at most 2 event types a connection',
    });
    workspace.send({ type: 'subscribe', event_types: ['alert', 'execution_started'] });
    expect(await workspace.next({ event: 'subscribed' })).toMatchObject({
      event_types: ['alert', 'execution_started'],
    });
    await workspace.close();
  });

  it('is told in a stream of server-sent events', async () => {
    await limit({ max_channels_per_connection: 1 });
    const query = `token=${tenant.token()}&dialect=channels&channels=${names(2).join(',')}`;
    const stream = await SseClient.open(app.url(`/stream/metrics?${query}`));

    expect((await stream.nextOf('error')).message).toMatchObject(refusal('1 channels'));
    await stream.close();
  });
});

describe("a tenant's limit of tag pairs a connection", () => {
  it('is over all its subscriptions together', async () => {
    await limit({ max_tag_pairs_per_connection: 3 });
    await client.subscribe(names(1), { tags: { shop: 'north', till: ['1', '2'] } });

    expect(await client.subscribe(names(1, 1), { tags: { shop: 'south', floor: '1' } })).toMatchObject(
      refusal('3 tag pairs'),
    );
    expect(await client.subscribe(names(1, 1), { tags: { shop: 'south' } })).toMatchObject({ type: 'subscribed' });
    expect(await client.subscribe(names(1, 2), { tags: { floor: '1' } })).toMatchObject(refusal('3 tag pairs'));
  });

  it('counts a pair once, however many channels have it, and none that is replaced', async () => {
    await limit({ max_tag_pairs_per_connection: 2 });
    await client.subscribe(names(3), { tags: { shop: 'north', till: '1' } });

    expect(await client.subscribe(names(1, 3), { tags: { till: '1' } })).toMatchObject({ type: 'subscribed' });
    await client.ask({ type: 'unsubscribe', channels: names(3, 1) });
    expect(await client.subscribe(names(1), { tags: { shop: 'south', till: '2' } })).toMatchObject({
      type: 'subscribed',
    });
  });

  it('does not count what the token narrows everything to', async () => {
    await limit({ max_tag_pairs_per_connection: 1 });
    const narrowed = await tenant.watch('JSON', tenant.token({ filter: { shop: 'north', region: 'eu' } }));

    expect(await narrowed.subscribe(names(1), { tags: { till: '1' } })).toMatchObject({ type: 'subscribed' });
    expect(await narrowed.subscribe(names(1, 1), { tags: { till: '2' } })).toMatchObject(refusal('1 tag pairs'));
    await narrowed.close();
  });

  it('is 32 where nothing is set, and none where it is 0', async () => {
    const tags = (from: number) => Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`t${from + at}`, 'x']));
    await client.subscribe(names(1), { tags: tags(0) });

    expect(await client.subscribe(names(1, 1), { tags: { more: 'x' } })).toMatchObject(refusal('32 tag pairs'));
    await limit({ max_tag_pairs_per_connection: 0 });
    expect(await client.subscribe(names(1, 1), { tags: tags(32) })).toMatchObject({ type: 'subscribed' });
  });
});
