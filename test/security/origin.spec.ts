import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../support/app.js';
import { RunningHost, createHost, hostModule } from '../support/host.js';
import { refusedUpgrade } from '../support/refused-upgrade.js';
import { changeSettings } from '../support/settings.js';
import { SseClient } from '../support/sse-client.js';
import { TestTenant } from '../support/test-tenant.js';
import { WireClient } from '../support/wire-client.js';
import { Controller, Get } from '@nestjs/common';

const GOOD = 'https://good.example';
const OTHER = 'http://localhost:5173';
const FOREIGN = [
  'https://evil.example',
  'null',
  '',
  'http://good.example',
  'https://good.example:8443',
  'https://good.example.evil.com',
  'https://evil-good.example',
  'https://good.example@evil.com',
  'https://good.example/',
  'https://good.example, https://evil.example',
  '*',
];
const REFUSAL = {
  status: 403,
  body: { statusCode: 403, code: 'foreign_origin', message: 'Not allowed from this origin' },
};

describe.each<Platform>(['express', 'fastify'])('a server on %s with a list of origins', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, origins: [GOOD, OTHER] }, platform);
  });
  beforeEach(() => {
    tenant = new TestTenant(app);
  });
  afterAll(() => app.close());

  const socket = (path = '/ws/metrics') => app.url(`${path}?token=${tenant.token()}`, 'ws');
  const stream = () => app.url(`/stream/metrics?token=${tenant.token()}`);
  const get = (origin: string, path = '/skills') =>
    fetch(app.url(path), { headers: { authorization: `Bearer ${tenant.token()}`, origin } });
  const ask = (origin: string, method: string, path = '/ingest/skills') =>
    fetch(app.url(path), {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization' },
    });

  it.each(FOREIGN)('refuses a page of %j by HTTP, on every path, before it says who it is', async (origin) => {
    for (const path of ['/ws/metrics', '/ws', '/ws/skills', '/ws/tools', '/ws/routing']) {
      expect(await refusedUpgrade(socket(path), { headers: { origin } })).toMatchObject(REFUSAL);
    }
    expect(await refusedUpgrade(app.url('/ws/skills', 'ws'), { headers: { origin } })).toMatchObject(REFUSAL);
    expect(await SseClient.refusal(stream(), { origin })).toMatchObject(REFUSAL);
  });

  it.each(FOREIGN)('shows a page of %j no answer', async (origin) => {
    const answer = await get(origin);
    const question = await ask(origin, 'POST');

    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('vary')).toContain('Origin');
    expect(question.status).toBe(403);
    expect(question.headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each([GOOD, OTHER])('serves a page of %s: sockets, streams and answers', async (origin) => {
    const client = await WireClient.open(socket(), { origin });
    expect(await client.next()).toMatchObject({ type: 'welcome' });
    await client.close();
    const events = await SseClient.open(stream(), { origin });
    expect(events.response.headers).toMatchObject({ 'access-control-allow-origin': origin });
    await events.next({ type: 'metrics' });
    await events.close();
    const answer = await get(origin);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('vary')).toMatch(/Origin/);
    expect(answer.headers.get('vary')).toMatch(/Authorization/);
    expect((await get(origin, '/skills/nope')).headers.get('access-control-allow-origin')).toBe(origin);
  });

  it.each(['GET', 'POST'])('tells a listed page that it may %s', async (method) => {
    const { status, headers } = await ask(GOOD, method);

    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(GOOD);
    expect(headers.get('access-control-allow-methods')).toContain(method);
    expect(headers.get('access-control-allow-headers')).toMatch(/authorization.*content-type/i);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('serves whatever is no page of a browser, and says no origin', async () => {
    const client = await WireClient.open(socket());
    expect(await client.next()).toMatchObject({ type: 'welcome' });
    await client.close();
    const events = await SseClient.open(stream());
    expect(events.response.headers['access-control-allow-origin']).toBeUndefined();
    await events.close();
  });

  it("is narrowed by a tenant's own list, for that tenant alone", async () => {
    await changeSettings(app, tenant, { allowed_origins: [GOOD, 'https://not-of-the-server.example'] });

    expect(await refusedUpgrade(socket(), { headers: { origin: OTHER } })).toMatchObject(REFUSAL);
    expect(await SseClient.refusal(stream(), { origin: OTHER })).toMatchObject(REFUSAL);
    expect((await get(OTHER)).status).toBe(403);
    expect(await refusedUpgrade(socket(), { origin: 'https://not-of-the-server.example' })).toMatchObject(REFUSAL);
    const late = await WireClient.open(app.url('/ws/skills', 'ws'), { origin: OTHER });
    late.send({ token: tenant.token() });
    expect(await late.next()).toMatchObject({ type: 'error', message: 'Not allowed from this origin' });
    expect(await late.closed).toMatchObject({ code: 4403 });

    const client = await WireClient.open(socket(), { origin: GOOD });
    await client.next({ type: 'welcome' });
    await client.close();
    expect((await get(GOOD)).status).toBe(200);
    tenant = new TestTenant(app);
    const neighbour = await WireClient.open(socket(), { origin: OTHER });
    await neighbour.close();
  });
});

describe('a server without a list of origins', () => {
  it('serves all pages, but for what a tenant says, and says nothing of it to browsers', async () => {
    const app = await TestApp.start({ auth: { secret: SECRET } });
    const tenant = new TestTenant(app);
    const socket = () => app.url(`/ws/metrics?token=${tenant.token()}`, 'ws');
    const anybody = await WireClient.open(socket(), { origin: 'https://evil.example' });
    const { headers } = await fetch(app.url('/health'), { headers: { origin: GOOD } });
    await changeSettings(app, tenant, { allowed_origins: [GOOD] });

    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(await refusedUpgrade(socket(), { origin: 'https://evil.example' })).toMatchObject(REFUSAL);
    await (await WireClient.open(socket(), { origin: GOOD })).close();
    await anybody.close();
    await app.close();
  });
});

it('a list with * serves all pages', async () => {
  const app = await TestApp.start({ auth: { secret: SECRET }, origins: ['*'] });
  const socket = app.url(`/ws/metrics?token=${new TestTenant(app).token()}`, 'ws');
  for (const origin of ['https://anybody.example', 'null']) {
    await (await WireClient.open(socket, { headers: { origin } })).close();
    const answer = await fetch(app.url('/health'), { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
  }
  await app.close();
});

describe.each<Platform>(['express', 'fastify'])("a host's own application on %s", (platform) => {
  @Controller('skillsets')
  class OwnController {
    @Get()
    list(): string[] {
      return [];
    }
  }

  const running: RunningHost[] = [];
  afterEach(() => Promise.all(running.splice(0).map((host) => host.close())));

  it.each(['', 'api'])('keeps its own routes to itself, with the prefix %j', async (prefix) => {
    const app = await createHost(platform, hostModule({ controllers: [OwnController] }, { origins: [GOOD] }));
    if (prefix !== '') app.setGlobalPrefix(prefix);
    const host = await RunningHost.listen(app);
    running.push(host);
    const allowed = async (path: string) => {
      const answer = await fetch(host.url(`${prefix && `/${prefix}`}${path}`), { headers: { origin: GOOD } });
      return answer.headers.get('access-control-allow-origin');
    };

    expect(await allowed('/health')).toBe(GOOD);
    expect(await allowed('/skills/lint/anomalies')).toBe(GOOD);
    expect(await allowed('/settings/acme')).toBe(GOOD);
    expect(await allowed('/skillsets')).toBeNull();
    expect(await allowed('/admin')).toBeNull();
  });
});
