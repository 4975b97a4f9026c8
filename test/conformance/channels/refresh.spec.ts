import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp, secondsFromNow, tokenWith } from '../../support/app.js';
import { ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { forgedToken } from '../../support/forged-token.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

const INVALID = { type: 'error', message: 'Invalid authentication token', code: 'unauthenticated' };
const FORBIDDEN = { code: 4403, reason: 'tenant or channel not allowed' };

let app: TestApp;
let tenant: TestTenant;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
});
afterAll(() => app.close());
beforeEach(() => {
  tenant = new TestTenant(app);
});

/** A refresh, and the answer to it. */
function refresh(client: ChannelsClient, token: unknown) {
  return client.ask({ type: 'refresh', token });
}

const isoOf = (exp: number) => new Date(exp * 1000).toISOString();
const valueOf = (value: number, shop: string) => gauge('orders.metrics', { value, tags: { shop } });

describe.each(ENCODINGS)('a refresh, over %s,', (encoding) => {
  it('lets a connection live on past the end of the token that it was opened with, to the end of the new one', async () => {
    const [soon, later] = [secondsFromNow(2), secondsFromNow(4)];
    const client = await tenant.watch(encoding, tenant.token({ exp: soon }));

    expect(await refresh(client, tenant.token({ exp: later }))).toEqual({
      type: 'refreshed',
      expires_at: isoOf(later),
      id: expect.any(String) as string,
    });
    expect(await client.closed).toEqual({ code: 4401, reason: 'token expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(later * 1000);
    expect(Date.now()).toBeLessThan(later * 1000 + 1500);
  });

  it('ends a connection sooner where the new token does', async () => {
    const client = await tenant.watch(encoding);
    await refresh(client, tenant.token({ exp: secondsFromNow(1) }));

    expect(await client.closed).toEqual({ code: 4401, reason: 'token expired' });
  });

  it('leaves the subscriptions as they are', async () => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch(encoding);
    await client.subscribe(['orders.metrics'], { tags: { shop: 'north' } });
    await refresh(client, tenant.token());
    await tenant.record('metrics', [valueOf(1, 'south'), valueOf(2, 'north')]);

    expect(await client.nextOf('orders.metrics')).toMatchObject({ value: 2 });
    await client.close();
  });

  it('has the filter of the new token hold for what is subscribed, and not that of the old', async () => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch(encoding, tenant.token({ filter: { shop: ['north', 'east'] } }));
    await client.subscribe(['orders.metrics'], { tags: { shop: ['north', 'south'] } });
    const shops = ['north', 'east', 'south', 'west'];
    const seen = async () => {
      await tenant.record(
        'metrics',
        shops.map((shop) => valueOf(1, shop)),
      );
      return (await client.settled()).map(({ tags }) => (tags as { shop: string }).shop);
    };
    expect(await seen()).toEqual(['north']);

    await refresh(client, tenant.token({ filter: { shop: ['south', 'west'] } }));
    expect(await seen()).toEqual(['south']);
    await refresh(client, tenant.token({ filter: { shop: 'west' } }));
    expect(await seen()).toEqual([]);
    await refresh(client, tenant.token());
    expect(await seen()).toEqual(['north', 'south']);
    await client.close();
  });

  it('has the filter of the new token hold for collected states', async () => {
    await tenant.record('skills', [
      { skill_name: 'lint', completed: true },
      { skill_name: 'test', completed: true },
    ]);
    const client = await tenant.watch(encoding);
    await client.subscribe(['skills.metrics']);
    const shows = (names: string[]) =>
      client.wire.find(({ top_skills }) => {
        const shown = (top_skills as { skill_name: string }[] | undefined)?.map(({ skill_name }) => skill_name);
        return JSON.stringify(shown?.sort()) === JSON.stringify(names);
      });
    await shows(['lint', 'test']);
    await refresh(client, tenant.token({ filter: { skill_name: 'test' } }));

    await shows(['test']);
    await client.close();
  });

  it('has the roles of the new token count: what they do not allow any more ends', async () => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch(encoding, tenant.token({ roles: ['operator'] }));
    await client.subscribe(['orders.metrics', 'gateway.metrics']);
    await refresh(client, tenant.token({ roles: ['viewer'] }));
    expect(await client.next({ type: 'error' })).toMatchObject({ code: 'forbidden', channel: 'gateway.metrics' });
    expect(await client.subscribe(['gateway.metrics'])).toMatchObject({ code: 'unknown_channel' });

    await refresh(client, tenant.token({ roles: ['ingest'] }));
    expect(await client.next({ type: 'error' })).toMatchObject({ code: 'forbidden', channel: 'orders.metrics' });
    await tenant.record('metrics', valueOf(1, 'north'));
    expect(await client.settled()).toEqual([]);
    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ code: 'forbidden' });

    await refresh(client, tenant.token({ roles: ['viewer'] }));
    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ type: 'subscribed' });
    await client.close();
  });

  it('without a token that is valid is refused, and the connection stays to the end of the one that it has', async () => {
    const exp = secondsFromNow(2);
    const client = await tenant.watch(encoding, tenant.token({ exp }));
    const bad = [
      ...[undefined, null, { sub: 'ada' }, '', 'garbage'],
      tenant.token({ exp: secondsFromNow(-1) }),
      forgedToken({ alg: 'none' }, { tenant_id: tenant.id }, ''),
    ];

    for (const token of bad) {
      expect(await refresh(client, token)).toEqual({ ...INVALID, id: expect.any(String) as string });
    }
    expect(await client.closed).toEqual({ code: 4401, reason: 'token expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
  });

  it('with somebody else’s token ends the connection', async () => {
    const client = await tenant.watch(encoding);

    expect(await refresh(client, tenant.token({ sub: 'bob' }))).toEqual({
      type: 'error',
      message: 'Not allowed: the token is of another subject',
      code: 'forbidden',
      id: expect.any(String) as string,
    });
    expect(await client.closed).toEqual(FORBIDDEN);
  });

  it('with a token of another tenant ends the connection', async () => {
    const client = await tenant.watch(encoding);
    const sub = `ada of ${tenant.id}`;

    expect(await refresh(client, tokenWith({ sub, tenant_id: 'elsewhere' }))).toMatchObject({
      message: `No access to workspace ${tenant.id}`,
      code: 'no_tenant_access',
    });
    expect(await client.closed).toEqual(FORBIDDEN);
  });

  it('is of the tenant that the connection is in, which need not be the first of the token', async () => {
    const client = await tenant.watch(encoding);
    const sub = `ada of ${tenant.id}`;

    expect(await refresh(client, tokenWith({ sub, tenant_id: 'elsewhere', tenants: [tenant.id] }))).toMatchObject({
      type: 'refreshed',
    });
    await tenant.create('orders.metrics');
    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ type: 'subscribed' });
    await client.close();
  });

  it('is done before what comes behind it', async () => {
    const client = await tenant.watch(encoding);
    await refresh(client, tenant.token({ roles: ['ingest'] }));
    client.send({ type: 'refresh', token: tenant.token({ roles: ['viewer'] }) });

    expect(await client.subscribe(['alerts.events'])).toMatchObject({ type: 'subscribed' });
    await client.close();
  });
});

describe('a refresh in open mode', () => {
  it('is refused: no token can be valid there', async () => {
    const open = await TestApp.start();
    const client = await ChannelsClient.open(open.url('/ws/metrics', 'ws'), 'JSON');
    expect(await refresh(client, tokenWith({ sub: 'local', tenant_id: 'local' }))).toMatchObject(INVALID);
    expect(await client.subscribe(['alerts.events'])).toMatchObject({ type: 'subscribed' });
    await client.close();
    await open.close();
  });
});
