import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestClient } from '../../support/rest-client.js';
import { TestTenant } from '../../support/test-tenant.js';

interface Entry {
  readonly at: string;
  readonly actor: string;
  readonly tenant_id: string | null;
  readonly action: string;
  readonly before: unknown;
  readonly after: unknown;
}

describe.each<Platform>(['express', 'fastify'])('the audit log on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let path: string;
  let admin: RestClient;
  let operator: RestClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
    operator = new RestClient(app, { tenant_id: 'operations', sub: 'grace', roles: ['operator'] });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    path = `/admin/tenants/${tenant.id}/settings`;
    admin = new RestClient(app, { tenant_id: tenant.id, roles: ['admin'] });
  });

  const entries = async (client: RestClient, query = ''): Promise<Entry[]> => {
    const { status, body } = await client.get(`/admin/audit${query}`);
    expect(status).toBe(200);
    return body['items'] as Entry[];
  };

  it('holds who has changed settings, when, and what they were before and after; the newest first', async () => {
    const start = Date.now();
    await admin.put(path, { retention_days: 7, limits: { max_series: 5 }, features: { response_cache: false } });
    await operator.patch(path, { retention_days: null, allowed_origins: ['*'] });
    await admin.post(`${path}/reset`);

    const first = { retention_days: 7, limits: { max_series: 5 }, features: { response_cache: false } };
    const second = { limits: { max_series: 5 }, features: { response_cache: false }, allowed_origins: ['*'] };
    const seen = await entries(admin);
    const tenant_id = tenant.id;
    expect(seen.map(({ at: _at, ...entry }) => entry)).toEqual([
      { actor: 'ada', tenant_id, action: 'settings.reset', before: second, after: {} },
      { actor: 'grace', tenant_id, action: 'settings.change', before: first, after: second },
      { actor: 'ada', tenant_id, action: 'settings.replace', before: {}, after: first },
    ]);
    const times = seen.map(({ at }) => Date.parse(at));
    expect(times.every((time) => time >= start && time <= Date.now() + 10)).toBe(true);
    expect(seen[0]!.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('holds what was done to profiles, for operators alone', async () => {
    const name = `of-${tenant.id}`;
    const made = { name, mode: 'stream', collection_interval_seconds: 2, max_events_per_minute: 30, description: '' };
    const replaced = { ...made, mode: 'batch', description: 'b' };
    await operator.post('/admin/profiles', { name, collection_interval_seconds: 2 });
    await operator.put(`/admin/profiles/${name}`, { mode: 'batch', collection_interval_seconds: 2, description: 'b' });
    await operator.delete(`/admin/profiles/${name}`);

    const [deletion, replacement, creation] = await entries(operator, '?limit=3');
    const grace = { at: expect.any(String) as string, actor: 'grace', tenant_id: null };
    expect(creation).toEqual({ ...grace, action: 'profile.create', before: null, after: made });
    expect(replacement).toEqual({ ...grace, action: 'profile.replace', before: made, after: replaced });
    expect(deletion).toEqual({ ...grace, action: 'profile.delete', before: replaced, after: null });
    expect(await entries(admin)).toEqual([]);
  });

  it('holds nothing that was refused', async () => {
    await admin.put(path, { retention_days: 0 });
    await admin.patch(path, { performance_profile: 'nobodys' });
    await new RestClient(app, { tenant_id: tenant.id, roles: ['viewer'] }).put(path, { retention_days: 1 });
    await new RestClient(app, { tenant_id: 'another', roles: ['admin'] }).put(path, { retention_days: 1 });
    expect(await entries(admin)).toEqual([]);
    const [newest] = await entries(operator, '?limit=1');
    await operator.post('/admin/profiles', { name: 'disabled', collection_interval_seconds: 1 });
    await operator.put('/admin/profiles/disabled', { collection_interval_seconds: 1 });
    await operator.delete('/admin/profiles/disabled');
    await operator.delete('/admin/profiles/nobodys');

    expect((await entries(operator, '?limit=1'))[0]).toEqual(newest);
  });

  it('shows an administrator the tenants of its token, and an operator all', async () => {
    const other = new TestTenant(app);
    await admin.put(path, { retention_days: 1 });
    await operator.put(`/admin/tenants/${other.id}/settings`, { retention_days: 2 });
    const both = new RestClient(app, { tenant_id: tenant.id, tenants: [other.id], roles: ['admin'] });
    const tenantsOf = async (client: RestClient, query = '') =>
      (await entries(client, query)).map(({ tenant_id }) => tenant_id);

    expect(await tenantsOf(admin)).toEqual([tenant.id]);
    expect(await tenantsOf(both)).toEqual([other.id, tenant.id]);
    expect(await tenantsOf(both, `?tenant_id=${other.id}`)).toEqual([other.id]);
    expect((await tenantsOf(operator)).slice(0, 2)).toEqual([other.id, tenant.id]);
    expect(await tenantsOf(operator, `?tenant_id=${tenant.id}`)).toEqual([tenant.id]);
    expect(await tenantsOf(operator, '?tenant_id=never-seen')).toEqual([]);
  });

  it('says the same of another tenant as of none', async () => {
    const other = new TestTenant(app);
    await operator.put(`/admin/tenants/${other.id}/settings`, { retention_days: 2 });
    const ask = async (id: string) => {
      const { status, body } = await admin.get(`/admin/audit?tenant_id=${id}`);
      return JSON.stringify([status, body]).replaceAll(id, 'ID');
    };

    expect(await ask(other.id)).toBe(await ask('never-seen'));
    expect(await admin.get(`/admin/audit?tenant_id=${other.id}`)).toMatchObject({
      status: 403,
      body: { code: 'no_tenant_access' },
    });
    for (const query of [`tenant_id=${tenant.id}&tenant_id=${tenant.id}`, `tenant_id[]=${tenant.id}`, 'tenant_id=']) {
      expect(await admin.get(`/admin/audit?${query}`)).toMatchObject({ status: 403 });
      expect(await operator.get(`/admin/audit?${query}`)).toMatchObject({ status: 403 });
    }
  });

  it('is read a page after the other, and what is added meanwhile comes on none of them', async () => {
    for (let days = 1; days <= 5; days++) await admin.put(path, { retention_days: days });
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const { body } = await admin.get(`/admin/audit?limit=2${cursor ? `&cursor=${cursor as string}` : ''}`);
      seen.push(...(body['items'] as Entry[]).map(({ after }) => (after as { retention_days: number }).retention_days));
      cursor = body['next_cursor'];
      await admin.put(path, { retention_days: 9 });
    }

    expect(seen).toEqual([5, 4, 3, 2, 1]);
    expect(await admin.get('/admin/audit?cursor=IngiCg')).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'cursor' }] },
    });
  });
});

describe('the audit log in open mode', () => {
  it('is everybody’s, who is an operator there', async () => {
    const app = await TestApp.start();
    await fetch(app.url('/admin/tenants/acme/settings'), {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ retention_days: 3 }),
    });

    expect(await (await fetch(app.url('/admin/audit?tenant_id=acme'))).json()).toMatchObject({
      items: [{ actor: 'local', tenant_id: 'acme', after: { retention_days: 3 } }],
    });
    await app.close();
  });
});
