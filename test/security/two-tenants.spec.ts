import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../support/app.js';
import { RestClient } from '../support/rest-client.js';
import { NOT_FOUND } from '../support/rest-reader.js';
import { adminOf, newName, revoke } from '../support/revoking.js';
import { type Route, addressOf, bodyFor, routesOf } from '../support/routes.js';
import { changeSettings } from '../support/settings.js';
import { TestTenant } from '../support/test-tenant.js';

interface Item {
  readonly tenant_id: string;
}

const GOOD = 'https://good.example';
const LISTS = ['/admin/connections', '/admin/audit'];

// Somebody acts in a tenant that is not the one that the token names first.
describe.each<Platform>(['express', 'fastify'])('another tenant of the own token, on %s,', (platform) => {
  let app: TestApp;
  let routes: Route[];
  let [home, other]: TestTenant[] = [];
  let watcher: { readonly id: string; readonly close: () => Promise<unknown>; readonly ask: () => Promise<unknown> };
  beforeAll(async () => {
    const options = { auth: { secret: SECRET }, maxRequestsPerMinute: 0, maxFailedAuthentications: 0 };
    app = await TestApp.start(options, platform);
    routes = routesOf(app).filter(({ role }) => role !== undefined && role !== 'operator');
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    [home, other] = [new TestTenant(app), new TestTenant(app)];
    await home.create('orders.metrics');
    await other.create('orders.metrics');
    await changeSettings(app, home, { retention_days: 6 });
    await changeSettings(app, other, { retention_days: 7 });
    const client = await other.watch();
    watcher = {
      id: client.welcome['client_id'] as string,
      close: () => client.close(),
      ask: () => client.ask({ type: 'ping' }),
    };
  });

  const claimsOf = (who: 'administrator' | 'operator') =>
    who === 'operator'
      ? { tenant_id: home!.id, sub: newName(), jti: newName(), roles: ['operator'] }
      : { tenant_id: home!.id, tenants: [other!.id], sub: newName(), jti: newName(), roles: ['admin', 'ingest'] };

  const ofTenants = () => routes.filter(({ path }) => path.includes(':tenantId'));
  const ask = (client: RestClient, route: Route, tenant: string, query = '') =>
    client.ask(route.verb, `${addressOf(route, tenant)}${query}`, bodyFor(route));
  const tenantsIn = async (client: RestClient, list: string) => {
    const { status, body } = await client.get(list);
    expect(status).toBe(200);
    return new Set((body['items'] as Item[]).map((item) => item.tenant_id));
  };
  const expectOpen = async (client: RestClient, tenant: string) => {
    for (const route of ofTenants()) expect([route, (await ask(client, route, tenant)).status]).toEqual([route, 200]);
  };
  const expectUntouched = async () => {
    const { body } = await new RestClient(app, { tenant_id: other!.id }).get(`/settings/${other!.id}`);
    expect(body).toMatchObject({ settings: { retention_days: 7 } });
    expect(await watcher.ask()).toMatchObject({ type: 'pong' });
    await watcher.close();
  };

  describe('where the token is revoked there,', () => {
    it.each(['jti', 'sub'] as const)('is as one that is not allowed: by %s', async (field) => {
      const claims = claimsOf('administrator');
      const client = new RestClient(app, claims);
      expect(await tenantsIn(client, '/admin/connections')).toContain(other!.id);
      expect((await client.get(`/settings/${other!.id}`)).status).toBe(200);
      expect((await revoke(app, { [field]: claims[field] }, adminOf(other!))).status).toBe(200);

      expect(ofTenants().length).toBeGreaterThan(4);
      for (const route of ofTenants()) {
        expect([route, await ask(client, route, other!.id)]).toMatchObject([route, NOT_FOUND]);
      }
      for (const list of LISTS) {
        expect(await tenantsIn(client, list)).not.toContain(other!.id);
        expect((await client.get(`${list}?tenant_id=${other!.id}`)).status).toBe(401);
      }
      expect(await client.delete(`/admin/connections/${watcher.id}`)).toMatchObject(NOT_FOUND);
      for (const body of [{ tenant_id: other!.id }, { jti: 'x', tenant_id: other!.id }]) {
        expect(await client.post('/admin/tokens/revoke', body)).toMatchObject(NOT_FOUND);
      }
      await expectUntouched();
      expect(await tenantsIn(client, '/admin/audit')).toContain(home!.id);
      await expectOpen(client, home!.id);
    });

    it('is as one that is not allowed, where all tokens are revoked there', async () => {
      const client = new RestClient(app, claimsOf('administrator'));
      await watcher.close();
      await revoke(app, { tenant_id: other!.id }, adminOf(other!));

      for (const route of ofTenants()) expect(await ask(client, route, other!.id)).toMatchObject(NOT_FOUND);
      for (const list of LISTS) expect(await tenantsIn(client, list)).not.toContain(other!.id);
    });
  });

  it('is open to operators, whatever its administrators revoke', async () => {
    const claims = claimsOf('operator');
    const client = new RestClient(app, claims);
    await watcher.close();
    for (const body of [{ sub: claims.sub }, { jti: claims.jti }, { tenant_id: other!.id }]) {
      expect((await revoke(app, body, adminOf(other!))).status).toBe(200);
      expect((await client.get(`/settings/${other!.id}`)).status).toBe(200);
      expect((await client.get(`/admin/audit?tenant_id=${other!.id}`)).status).toBe(200);
    }
    const member = new RestClient(app, { ...claims, tenant_id: other!.id });
    expect((await member.get('/skills')).status).toBe(200);
    expect((await revoke(app, { sub: claims.sub }, client.token)).status).toBe(200);
    expect((await client.get(`/settings/${other!.id}`)).status).toBe(401);
    expect((await member.get('/skills')).status).toBe(401);
  });

  it('is refused in every query, where the token is revoked there: 401', async () => {
    const claims = claimsOf('administrator');
    const client = new RestClient(app, claims);
    await revoke(app, { jti: claims.jti }, adminOf(other!));

    for (const route of routes) {
      for (const parameter of ['tenant_id', 'workspace_id', 'workspaceId']) {
        const { status } = await ask(client, route, home!.id, `?${parameter}=${other!.id}`);
        expect([route, status]).toEqual([route, 401]);
      }
    }
    await watcher.close();
  });

  it('stays good where the token is revoked in the first, to those who name it', async () => {
    const claims = claimsOf('administrator');
    const client = new RestClient(app, claims);
    await revoke(app, { jti: claims.jti }, adminOf(home!));

    const query = `?tenant_id=${other!.id}`;
    for (const list of LISTS) {
      expect(await tenantsIn(client, `${list}${query}`)).toEqual(new Set([other!.id]));
      expect((await client.get(list)).status).toBe(401);
    }
    for (const route of ofTenants()) {
      expect([route, (await ask(client, route, other!.id, query)).status]).toEqual([route, 200]);
      expect(await ask(client, route, home!.id, query)).toMatchObject(NOT_FOUND);
    }
    await watcher.close();
  });

  it.each(['administrator', 'operator'] as const)('says from which pages it may be used by an %s', async (who) => {
    const claims = claimsOf(who);
    await changeSettings(app, other!, { allowed_origins: [GOOD] });
    const refused = { status: 403, body: { code: 'foreign_origin' } };
    const foreign = new RestClient(app, claims, { origin: 'https://other.example' });
    for (const route of ofTenants()) {
      expect([route, await ask(foreign, route, other!.id)]).toMatchObject([route, refused]);
    }
    for (const list of LISTS) expect(await foreign.get(`${list}?tenant_id=${other!.id}`)).toMatchObject(refused);
    if (who === 'administrator') {
      for (const list of LISTS) expect(await tenantsIn(foreign, list)).not.toContain(other!.id);
    }
    expect(await foreign.delete(`/admin/connections/${watcher.id}`)).toMatchObject(refused);
    expect(await foreign.post('/admin/tokens/revoke', { tenant_id: other!.id })).toMatchObject(refused);
    await expectUntouched();
    await expectOpen(foreign, home!.id);

    await expectOpen(new RestClient(app, claims, { origin: GOOD }), other!.id);
  });
});
