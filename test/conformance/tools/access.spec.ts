import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, secondsFromNow, tokenWith } from '../../support/app.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const UNAUTHORIZED = { code: 1008, reason: 'Unauthorized' };

describe('the tools dialect', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  /** What a client is sent that says all it has to say at once, and how it ends. */
  const refusalOf = async (query: string) => {
    const client = await WireClient.open(app.url(`/ws/tools${query}`, 'ws'));
    client.send({ type: 'subscribe', tool_id: 'cursor' });
    client.send({ type: 'ping' });
    const closing = await client.closed;
    return [client.unread, closing];
  };

  it.each([
    { who: 'no token', query: '' },
    { who: 'an empty token', query: '?token=' },
    { who: 'a token that is none', query: '?token=garbage' },
    { who: 'a token that is over', query: `?token=${tokenWith({ exp: secondsFromNow(-1) })}` },
    {
      who: 'a token of another secret',
      query: `?token=${tokenWith({}, 'another secret, as long as it takes to be one')}`,
    },
  ])('refuses one with $who: an error, then 1008', async ({ query }) => {
    expect(await refusalOf(query)).toEqual([
      [{ type: 'error', error: 'Invalid authentication token', timestamp: ISO }],
      UNAUTHORIZED,
    ]);
  });

  it.each([
    { query: '&tenant_id=delta', error: 'No access to workspace delta' },
    { query: '&tenant_id=acme&tenant_id=acme', error: 'No access to workspace' },
    { query: '&tenant_id=', error: 'No access to workspace' },
  ])(
    'refuses one who asks for $query, which the token does not allow: an error, then 4403',
    async ({ query, error }) => {
      expect(await refusalOf(`?token=${tokenWith()}${query}`)).toEqual([
        [{ type: 'error', error, timestamp: ISO }],
        { code: 4403, reason: 'tenant or channel not allowed' },
      ]);
    },
  );

  it('lets one in by tenant_id where the token allows that', async () => {
    const tenant = new TestTenant(app);
    const client = await tenant.watchTools('tenant_id=beta', tenant.token({ tenants: ['beta'] }));

    expect(await client.next()).toMatchObject({ type: 'connected' });
    await client.close();
  });

  it('closes with 1008 within a second of the end of the token', async () => {
    const tenant = new TestTenant(app);
    const exp = secondsFromNow(2);
    const client = await tenant.watchTools('', tenant.token({ exp }));

    expect(await client.closed).toEqual(UNAUTHORIZED);
    const late = Date.now() - exp * 1000;
    expect(late).toBeGreaterThanOrEqual(0);
    // A second, and what the close takes on a busy machine.
    expect(late).toBeLessThan(1500);
  });

  it('closes with 1001 where the server shuts down, as every dialect', async () => {
    const other = await TestApp.start({ auth: { secret: SECRET } });
    const client = await new TestTenant(other).watchTools();
    await other.close();

    expect(await client.closed).toEqual({ code: 1001, reason: 'server shutting down' });
  });

  it('closes with 4400 after 20 frames in a row that are none, as every dialect', async () => {
    const client = await new TestTenant(app).watchTools();
    for (let frame = 0; frame < 20; frame++) client.sendRaw('no JSON');

    expect(await client.closed).toEqual({ code: 4400, reason: 'protocol violation' });
  });
});

describe('the dialect tools is spoken', () => {
  let app: TestApp;
  let moved: TestApp;
  beforeAll(async () => {
    app = await TestApp.start();
    moved = await TestApp.start({ endpoints: { '/ws/metrics': 'tools' } });
  });
  afterAll(() => Promise.all([app.close(), moved.close()]));

  const greetingOf = async (url: string, protocols: string[] = []) => {
    const client = await WireClient.open(url, { protocols });
    const { message, tool_id } = await client.next();
    await client.close();
    return { message, tool_id, protocol: client.socket.protocol };
  };
  const greeting = { message: 'WebSocket connection established', tool_id: 'cursor', protocol: '' };

  it.each(['/ws/tools?tool_id=cursor', '/ws/metrics?dialect=tools&tool_id=cursor', '/ws?tool_id=cursor&dialect=tools'])(
    'on %s',
    async (path) => {
      expect(await greetingOf(app.url(path, 'ws'))).toEqual(greeting);
    },
  );

  it('where the subprotocol says so, which is confirmed', async () => {
    expect(await greetingOf(app.url('/ws/routing?tool_id=cursor', 'ws'), ['metricast.tools'])).toEqual({
      ...greeting,
      protocol: 'metricast.tools',
    });
  });

  it('on the address that clients have already, where the table of paths says so, and on no other', async () => {
    expect(await greetingOf(moved.url('/ws/metrics?tool_id=cursor', 'ws'))).toEqual(greeting);
    expect(await WireClient.refusedWith(moved.url('/ws/tools', 'ws'))).toBe(404);
  });
});
