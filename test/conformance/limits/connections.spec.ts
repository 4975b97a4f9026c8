import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { refusedUpgrade } from '../../support/refused-upgrade.js';
import { changeSettings } from '../../support/settings.js';
import { SseClient } from '../../support/sse-client.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

interface Closable {
  close(): Promise<void>;
}

const refusal = (what: string) => ({
  status: 429,
  headers: { 'retry-after': '5', 'content-type': 'application/json; charset=utf-8' },
  body: { statusCode: 429, code: 'connection_limit', message: `Too many connections: at most ${what}` },
});

let app: TestApp;
let tenant: TestTenant;
const open: Closable[] = [];
const opened = async <T extends Closable>(client: Promise<T>): Promise<T> => {
  open.push(await client);
  return client;
};
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
});
beforeEach(() => {
  tenant = new TestTenant(app);
});
afterEach(() => Promise.all(open.splice(0).map((client) => client.close())));
afterAll(() => app.close());

const webSocket = (path: string, token = tenant.token()) => app.url(`${path}?token=${token}`, 'ws');
const limit = (limits: Record<string, number | null>) => changeSettings(app, tenant, { limits });

describe.each([
  { setting: 'max_connections', what: '2 connections a tenant' },
  { setting: 'max_connections_per_subject', what: '2 connections a subject' },
])('$setting', ({ setting, what }) => {
  it.each(['/ws/metrics', '/ws', '/ws/skills', '/ws/tools', '/ws/routing'])(
    'refuses an upgrade on %s by HTTP where there are so many',
    async (path) => {
      await limit({ [setting]: 2 });
      await opened(tenant.watch());
      await opened(tenant.watchSkills());

      expect(await refusedUpgrade(webSocket(path))).toMatchObject(refusal(what));
    },
  );

  it('counts streams and sockets together', async () => {
    await limit({ [setting]: 2 });
    await opened(tenant.watch());
    await opened(tenant.stream());

    expect(await SseClient.refusal(app.url(`/stream/metrics?token=${tenant.token()}`))).toMatchObject(refusal(what));
    expect(await refusedUpgrade(webSocket('/ws'))).toMatchObject(refusal(what));
  });

  it('has room again as soon as one has gone', async () => {
    await limit({ [setting]: 1 });
    const one = await tenant.watch();
    await refusedUpgrade(webSocket('/ws'));
    await one.close();
    const stream = await tenant.stream();
    await refusedUpgrade(webSocket('/ws'));
    await stream.close();

    // The server hears of it a moment after the client.
    await expect
      .poll(() =>
        opened(tenant.watch()).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });

  it('changes nothing for those who are connected, and holds for whoever comes next', async () => {
    const clients = [await opened(tenant.watch()), await opened(tenant.watch()), await opened(tenant.watch())];
    await limit({ [setting]: 2 });
    await refusedUpgrade(webSocket('/ws'));

    for (const client of clients) expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await limit({ [setting]: 4 });
    await opened(tenant.watch());
    await refusedUpgrade(webSocket('/ws'));
    await limit({ [setting]: 0 });
    await opened(tenant.watch());
  });

  it('tells a client that brings its token in its first frame in its dialect, and closes with 4429', async () => {
    await limit({ [setting]: 1 });
    await opened(tenant.watch());
    const late = await WireClient.open(app.url('/ws/skills', 'ws'));
    late.send({ token: tenant.token() });

    expect(await late.next()).toMatchObject({
      type: 'error',
      message: `Too many connections: at most ${what.replace('2', '1')}`,
    });
    expect(await late.closed).toEqual({ code: 4429, reason: 'too many connections or attempts' });
  });

  it('is not that of another tenant', async () => {
    await limit({ [setting]: 1 });
    await opened(tenant.watch());
    const other = new TestTenant(app);

    await opened(other.watch());
    await opened(other.watch('JSON', other.token()));
  });
});

it('the limit of a subject is not that of another one of its tenant', async () => {
  await limit({ max_connections_per_subject: 1 });
  await opened(tenant.watch());
  await refusedUpgrade(webSocket('/ws'));

  await opened(tenant.watch('JSON', tenant.token({ sub: 'grace' })));
});

it('who is refused for the token is told so, also where there is no room', async () => {
  await limit({ max_connections: 1 });
  await opened(tenant.watch());
  const client = await WireClient.open(webSocket('/ws/metrics', 'no.token.atall'));

  expect(await client.next()).toMatchObject({ type: 'error', message: 'Invalid authentication token' });
  expect(await client.closed).toMatchObject({ code: 4401 });
});
