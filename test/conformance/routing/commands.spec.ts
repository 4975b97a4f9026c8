import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp, secondsFromNow, tokenWith } from '../../support/app.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const STATE = expect.objectContaining({ total_decisions: 0, timestamp: ISO }) as object;

describe('the routing dialect', () => {
  let app: TestApp;
  let moved: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
    moved = await TestApp.start({ endpoints: { '/ws/metrics': 'routing' } });
  });
  afterAll(() => Promise.all([app.close(), moved.close()]));

  describe('to who is connected', () => {
    let client: WireClient;
    beforeEach(async () => {
      client = await new TestTenant(app).watchRouting();
      await client.next();
      return () => client.close();
    });

    it('answers a ping with pong and nothing else', async () => {
      client.send({ type: 'ping' });

      expect(await client.next({ type: 'pong' })).toEqual({ type: 'pong' });
    });

    it.each([
      { frame: '{"type":"ping"', error: 'Invalid message: not a JSON object' },
      { frame: '', error: 'Invalid message: not a JSON object' },
      { frame: 'ping', error: 'Invalid message: not a JSON object' },
      { frame: '[]', error: 'Invalid message: not a JSON object' },
      { frame: '{"type":"subscribe"}', error: 'Unknown message type' },
      { frame: '{"type":"unsubscribe"}', error: 'Unknown message type' },
      { frame: '{"type":7}', error: 'Unknown message type' },
      { frame: '{"total_decisions":1}', error: 'Unknown message type' },
      { frame: '{}', error: 'Unknown message type' },
    ])('answers $frame with an error, and stays', async ({ frame, error }) => {
      client.sendRaw(frame);
      client.send({ type: 'ping' });

      expect(await client.find((message) => 'error' in message)).toEqual({ error, timestamp: ISO });
      expect(await client.next({ type: 'pong' })).toEqual({ type: 'pong' });
    });
  });

  it('sends an error, and no metrics, to one who may not read', async () => {
    const tenant = new TestTenant(app);
    const client = await tenant.watchRouting(tenant.token({ roles: ['ingest'] }));
    client.send({ type: 'ping' });

    expect(await client.next()).toEqual({ error: 'Not allowed: needs the role viewer', timestamp: ISO });
    expect(await client.next()).toEqual({ type: 'pong' });
    await client.close();
  });

  it.each([
    { who: 'no token', query: '' },
    { who: 'a token that is none', query: '?token=garbage' },
    { who: 'a token that is over', query: `?token=${tokenWith({ exp: secondsFromNow(-1) })}` },
  ])('refuses one with $who: an error, then 4401', async ({ query }) => {
    const client = await WireClient.open(app.url(`/ws/routing${query}`, 'ws'));
    client.send({ type: 'ping' });

    expect(await client.closed).toEqual({ code: 4401, reason: 'invalid authentication token' });
    expect(client.unread).toEqual([{ error: 'Invalid authentication token', timestamp: ISO }]);
  });

  it('refuses one who asks for a tenant that the token does not allow: an error, then 4403', async () => {
    const client = await WireClient.open(app.url(`/ws/routing?token=${tokenWith()}&tenant_id=delta`, 'ws'));

    expect(await client.closed).toEqual({ code: 4403, reason: 'tenant or channel not allowed' });
    expect(client.unread).toEqual([{ error: 'No access to workspace delta', timestamp: ISO }]);
  });

  it.each([
    { path: '/ws/routing', protocols: [] },
    { path: '/ws/metrics?dialect=routing', protocols: [] },
    { path: '/ws/tools', protocols: ['metricast.routing'] },
  ])('is spoken on $path with the subprotocols $protocols', async ({ path, protocols }) => {
    const headers = { authorization: `Bearer ${tokenWith({ tenant_id: 'nobody' })}` };
    const client = await WireClient.open(app.url(path, 'ws'), { protocols, headers });

    expect(await client.next()).toEqual(STATE);
    expect(client.socket.protocol).toBe(protocols[0] ?? '');
    await client.close();
  });

  it('is spoken on the address that clients have already, where the table of paths says so', async () => {
    const client = await WireClient.open(moved.url('/ws/metrics', 'ws'));

    expect(await client.next()).toEqual(STATE);
    await client.close();
    expect(await WireClient.refusedWith(moved.url('/ws/routing', 'ws'))).toBe(404);
  });
});
