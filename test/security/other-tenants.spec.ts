import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Platform, SECRET, TestApp } from '../support/app.js';
import { RestClient, type Verb } from '../support/rest-client.js';
import { type Route, addressOf, bodyFor, routesOf } from '../support/routes.js';
import { changeSettings } from '../support/settings.js';
import { TestTenant, gauge, run } from '../support/test-tenant.js';

/** What an answer is, but for the id that was asked for, which it may repeat. */
function seen({ status, body, headers }: Answer, id: string): unknown {
  return JSON.parse(JSON.stringify({ status, body, type: headers.get('content-type') }).replaceAll(id, 'ID'));
}

const never = () => `never-${randomUUID()}`;

describe.each<Platform>(['express', 'fastify'])('another tenant, on %s,', (platform) => {
  let app: TestApp;
  let routes: Route[];
  let tenant: TestTenant;
  let other: TestTenant;
  let admin: RestClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, maxRequestsPerMinute: 0 }, platform);
    // An operator may enter every tenant.
    routes = routesOf(app).filter(({ role }) => role !== undefined && role !== 'operator');
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    admin = new RestClient(app, { tenant_id: tenant.id, sub: 'ada', roles: ['admin', 'ingest'] });
    other = new TestTenant(app);
    await other.record('skills', run('secret'));
    await other.record('metrics', gauge('secret.metrics'));
    await changeSettings(app, other, { retention_days: 7 });
  });

  it('looks in every path as one that there is not', async () => {
    const ofTenants = routes.filter(({ path }) => path.includes(':tenantId'));
    expect(ofTenants.length).toBeGreaterThan(4);
    for (const route of ofTenants) {
      for (const body of [bodyFor(route), route.verb === 'GET' ? undefined : 'not JSON']) {
        const stranger = never();
        const theirs = await admin.ask(route.verb, addressOf(route, other.id), body);
        const nobodys = await admin.ask(route.verb, addressOf(route, stranger), body);

        expect([route, theirs.status]).toEqual([route, 404]);
        expect(seen(theirs, other.id)).toEqual(seen(nobodys, stranger));
      }
    }
    const { body } = await new RestClient(app, { tenant_id: other.id }).get(`/settings/${other.id}`);
    expect(body).toMatchObject({ settings: { retention_days: 7 } });
  });

  it('looks in every query as one that there is not', async () => {
    for (const route of routes) {
      for (const parameter of ['tenant_id', 'workspace_id', 'workspaceId']) {
        const stranger = never();
        const ask = (id: string) =>
          admin.ask(route.verb, `${addressOf(route, tenant.id)}?${parameter}=${id}`, bodyFor(route));
        const [theirs, nobodys] = [await ask(other.id), await ask(stranger)];

        expect([route, theirs.status]).toEqual([route, 403]);
        expect(seen(theirs, other.id)).toEqual(seen(nobodys, stranger));
      }
    }
  });

  it('is heard of in no header', async () => {
    for (const route of routes.filter(({ verb }) => verb === 'GET')) {
      const ask = async (headers: Record<string, string>) => {
        const authorization = `Bearer ${admin.token}`;
        const answer = await fetch(app.url(addressOf(route, tenant.id)), { headers: { authorization, ...headers } });
        return [answer.status, await answer.text()];
      };
      const own = await ask({});
      for (const id of [other.id, never()]) {
        const cookie = `tenant_id=${id}; workspace_id=${id}`;
        const named = await ask({ 'x-tenant-id': id, 'x-workspace-id': id, tenant_id: id, workspace: id, cookie });

        expect([route, named]).toEqual([route, own]);
      }
    }
  });

  it.each<[path: string, status: number, body: (id: string) => object]>([
    ['/admin/tokens/revoke', 404, (id) => ({ tenant_id: id })],
    ['/admin/tokens/revoke', 404, (id) => ({ sub: 'ada', tenant_id: id })],
    ['/admin/tokens/revoke', 404, (id) => ({ jti: 'one', tenant_id: id })],
    ['/ingest/skills', 202, (id) => ({ ...run('mine'), tenant_id: id, workspace_id: id })],
    ['/ingest/metrics', 202, (id) => ({ ...gauge('mine.metrics'), tenant_id: id, tenant: id })],
  ])('looks in a body of %s as one that there is not: %d', async (path, status, body) => {
    const stranger = never();
    const [theirs, nobodys] = [await admin.post(path, body(other.id)), await admin.post(path, body(stranger))];

    expect(theirs.status).toBe(status);
    expect(seen(theirs, other.id)).toEqual(seen(nobodys, stranger));
    const reader = new RestClient(app, { tenant_id: other.id, sub: 'ada' });
    expect((await reader.get('/skills')).body).toMatchObject({ items: [{ skill_name: 'secret' }] });
    expect((await reader.get('/skills/mine')).status).toBe(404);
    expect((await reader.get('/channels/mine.metrics/latest')).status).toBe(404);
  });

  it('has nothing that could be found by its name', async () => {
    const client = await other.watch();
    const connection = client.welcome['client_id'] as string;
    const pairs: [verb: Verb, theirs: string, nobodys: string][] = [
      ['GET', '/skills/secret', `/skills/${never()}`],
      ['GET', '/skills/secret/anomalies', `/skills/${never()}/anomalies`],
      ['GET', '/channels/secret.metrics/latest', `/channels/${never()}.metrics/latest`],
      ['DELETE', `/admin/connections/${connection}`, `/admin/connections/${randomUUID()}`],
    ];
    for (const [verb, theirs, nobodys] of pairs) {
      const [one, another] = [await admin.ask(verb, theirs), await admin.ask(verb, nobodys)];

      expect([verb, theirs, one.status]).toEqual([verb, theirs, 404]);
      expect(seen(one, '-')).toEqual(seen(another, '-'));
    }
    // It is still there.
    expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await client.close();
  });

  it('has no channel that could be told from one that there is not', async () => {
    const client = await tenant.watch();
    for (const ask of [
      (channel: string) => client.subscribe([channel]),
      (channel: string) => client.ask({ type: 'presence', data: { channel } }),
    ]) {
      const [theirs, nobodys] = [await ask('secret.metrics'), await ask('never-was.metrics')];

      expect(theirs).toMatchObject({ type: 'error', code: 'unknown_channel', channel: 'secret.metrics' });
      expect({ ...theirs, id: 1, channel: 1 }).toEqual({ ...nobodys, id: 1, channel: 1 });
    }
    await client.close();
  });
});
