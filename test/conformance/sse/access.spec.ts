import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { SECRET, TestApp, secondsFromNow, tokenWith } from '../../support/app.js';
import { SseClient } from '../../support/sse-client.js';
import { TestTenant } from '../../support/test-tenant.js';

const PATH = '/stream/metrics';
const JSON_TYPE = expect.stringMatching(/^application\/json/) as string;

describe('a stream', () => {
  let app: TestApp;
  let open: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    open = await TestApp.start();
  });
  afterAll(() => Promise.all([app.close(), open.close()]));

  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const workspaceOf = async (query: string, headers: Record<string, string> = {}) => {
    const client = await SseClient.open(app.url(`${PATH}?dialect=workspace&${query}`), headers);
    const { message } = await client.next({ event: 'connected' });
    await client.close();
    return message['workspace_id'];
  };

  it.each([
    { where: 'the header', query: '', headers: bearer(tokenWith()) },
    { where: 'the query, as browsers have to', query: `token=${tokenWith()}`, headers: {} },
    { where: 'both, of which the header counts', query: 'token=garbage', headers: bearer(tokenWith()) },
  ])('takes the token of $where', async ({ query, headers }) => {
    expect(await workspaceOf(query, headers as Record<string, string>)).toBe('acme');
  });

  it('is of the tenant that the address chooses among those of the token', async () => {
    const token = tokenWith({ tenants: ['beta'] });

    expect(await workspaceOf(`token=${token}&tenant_id=beta`)).toBe('beta');
    expect(await workspaceOf(`token=${token}&workspace_id=acme`)).toBe('acme');
  });

  it('needs no token in open mode', async () => {
    const client = await SseClient.open(open.url(PATH));

    expect((await client.next()).message).toMatchObject({ type: 'connected' });
    await client.close();
  });

  it.each([
    { who: 'no token', query: '', headers: {} },
    { who: 'an empty token', query: 'token=', headers: {} },
    { who: 'a token that is none', query: 'token=garbage', headers: {} },
    { who: 'a token that is over', query: `token=${tokenWith({ exp: secondsFromNow(-1) })}`, headers: {} },
    {
      who: 'a bad token in the header and a good one in the query',
      query: `token=${tokenWith()}`,
      headers: bearer('x'),
    },
    { who: 'a token in a subprotocol', query: '', headers: { 'sec-websocket-protocol': `bearer.${tokenWith()}` } },
  ])('is refused to one with $who: 401, before it begins', async ({ query, headers }) => {
    expect(await SseClient.refusal(app.url(`${PATH}?${query}`), headers as Record<string, string>)).toMatchObject({
      status: 401,
      headers: { 'content-type': JSON_TYPE, 'www-authenticate': 'Bearer' },
      body: { statusCode: 401, code: 'unauthenticated', message: 'Invalid authentication token' },
    });
  });

  it.each([
    { query: 'tenant_id=delta', message: 'No access to workspace delta' },
    { query: 'tenant_id=acme&tenant_id=acme', message: 'No access to workspace' },
    { query: 'tenant_id[]=acme', message: 'No access to workspace' },
    { query: 'workspaceId=', message: 'No access to workspace' },
  ])('is refused to one who asks for $query: 403', async ({ query, message }) => {
    const { status, headers, body } = await SseClient.refusal(app.url(`${PATH}?token=${tokenWith()}&${query}`));

    expect(status).toBe(403);
    expect(headers['content-type']).toEqual(JSON_TYPE);
    expect(body).toEqual({ statusCode: 403, code: 'no_tenant_access', message });
  });

  it('is refused to one who may not read: 403', async () => {
    const token = tokenWith({ roles: ['ingest'] });

    expect(await SseClient.refusal(app.url(`${PATH}?token=${token}`))).toMatchObject({
      status: 403,
      body: { statusCode: 403, code: 'forbidden', message: 'Not allowed: needs the role viewer' },
    });
  });

  it('that is refused leaves no connection', async () => {
    const { connections } = app.app.get(Hub, { strict: false });
    const before = connections.size;
    await SseClient.refusal(app.url(PATH));
    await SseClient.refusal(app.url(`${PATH}?dialect=nothing`));

    expect(connections.size).toBe(before);
  });

  it.concurrent.each([
    { dialect: 'channels', told: { code: 4401, reason: 'token expired', reconnect: false } },
    { dialect: 'skills', told: { code: 4401, reason: 'token expired', reconnect: false } },
    { dialect: 'routing', told: { code: 4401, reason: 'token expired', reconnect: false } },
    { dialect: 'workspace', told: { code: 4401, reason: 'token expired', reconnect: false } },
    // As on a WebSocket: its clients know another code for it.
    { dialect: 'tools', told: { code: 1008, reason: 'Unauthorized', reconnect: false } },
  ])('of $dialect ends with its token, within a second, by an error that says so', async ({ dialect, told }) => {
    const tenant = new TestTenant(app);
    const exp = secondsFromNow(2);
    const client = await tenant.stream(`dialect=${dialect}`, tenant.token({ exp }));
    const last = await client.nextOf('error');
    await client.closed;

    expect(last.message).toEqual(told);
    expect(client.unread).toEqual([]);
    // Not sooner than it would have: who connects again with that token is refused.
    expect(client.retry).toBe(3000);
    const late = Date.now() - exp * 1000;
    expect(late).toBeGreaterThanOrEqual(0);
    // A second, and what the close takes on a busy machine.
    expect(late).toBeLessThan(1500);
  });

  it('shows a tenant its own alone, and the holder of a filter what that lets through', async () => {
    const [one, other] = [new TestTenant(app), new TestTenant(app)];
    for (const tenant of [one, other]) await tenant.create('orders.metrics');
    const query = 'dialect=channels&channels=orders.metrics';
    const [all, north] = [await one.stream(query), await one.stream(query, one.token({ filter: { shop: 'north' } }))];
    for (const client of [all, north]) await client.next({ type: 'subscribed' });
    const value = (number: number, shop: string) => ({
      channel: 'orders.metrics',
      name: 'level',
      type: 'gauge',
      value: number,
      tags: { shop },
    });
    await other.record('metrics', value(1, 'north'));
    await one.record('metrics', [value(2, 'south'), value(3, 'north')]);

    expect((await all.next()).message).toMatchObject({ value: 2 });
    expect((await all.next()).message).toMatchObject({ value: 3 });
    expect((await north.next()).message).toMatchObject({ value: 3 });
    await Promise.all([all.close(), north.close()]);
  });
});
