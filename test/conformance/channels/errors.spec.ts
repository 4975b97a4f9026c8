import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('errors over %s', (encoding) => {
  let app: TestApp;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    client = await new TestTenant(app).watch(encoding);
    return () => client.close();
  });

  it.each([
    { type: 'no such type' },
    { type: 'SUBSCRIBE' },
    { type: 'constructor' },
    { type: 'toString' },
    { type: '' },
    { type: null },
    { type: 7 },
    { type: ['ping'] },
    {},
    { event: 'ping' },
  ])('name the unknown type of %j, without repeating it', async (frame) => {
    client.send(frame);

    expect(await client.next()).toEqual({ type: 'error', message: 'Unknown message type', code: 'unknown_type' });
  });

  // Types that the server itself uses mean nothing from a client.
  it.each(['welcome', 'subscribed', 'unsubscribed', 'error', 'failed', 'authenticate'])(
    'answer a client that sends %s',
    async (type) => {
      client.send({ type, token: 'x' });

      expect(await client.next()).toMatchObject({ type: 'error', code: 'unknown_type' });
    },
  );

  it.each([
    { data: undefined, details: 'data must be an object' },
    { data: null, details: 'data must be an object' },
    { data: ['orders.metrics'], details: 'data must be an object' },
    { data: 'orders.metrics', details: 'data must be an object' },
    { data: {}, details: 'channels must be a list of channel names' },
    { data: { channels: 'agent.metrics' }, details: 'channels must be a list of channel names' },
    { data: { channels: [] }, details: 'channels must be a list of channel names' },
    { data: { channels: [7] }, details: 'channels must be a list of channel names' },
    { data: { channels: [null, 'agent.metrics'] }, details: 'channels must be a list of channel names' },
    { data: { channels: { 0: 'agent.metrics' } }, details: 'channels must be a list of channel names' },
    { data: { channels: ['agent.metrics'], compression: 1 }, details: 'compression must be a boolean' },
    { data: { channels: ['agent.metrics'], tags: 'env=prod' }, details: 'tags must be an object' },
    { data: { channels: ['agent.metrics'], format: 'csv' }, details: 'format must be "snapshot" or "points"' },
  ])('say what is wrong with the subscribe $data', async ({ data, details }) => {
    client.send({ type: 'subscribe', ...(data !== undefined && { data }) });

    expect(await client.next()).toEqual({
      type: 'error',
      message: `Subscription error: ${details}`,
      code: 'bad_subscription',
    });
    expect(await client.ask({ type: 'unsubscribe', channels: ['nope.metrics'] })).toMatchObject({ channels: [] });
  });

  it('leave the connection as it was: the next command is done', async () => {
    await client.subscribe(['agent.metrics']);
    client.send({ type: 'no such type' });
    await client.next({ type: 'error' });

    expect(await client.subscribe(['workflow.metrics'])).toMatchObject({
      channels: ['agent.metrics', 'workflow.metrics'],
    });
  });

  it('tell a principal that may not read so, and keep what there is from it', async () => {
    const tenant = new TestTenant(app);
    const writer = await tenant.watch('JSON', tenant.token({ roles: ['ingest'] }));

    expect(await writer.subscribe(['skills.metrics'])).toEqual({
      type: 'error',
      message: 'Not allowed: needs the role viewer',
      code: 'forbidden',
      id: expect.any(String) as string,
    });
    await writer.close();
  });
});
