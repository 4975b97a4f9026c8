import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp, secondsFromNow } from '../../support/app.js';
import { NOT_FOUND, RestReader } from '../../support/rest-reader.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

const PATHS = [
  '/skills',
  '/skills/lint',
  '/skills/lint/anomalies',
  '/channels',
  '/channels/orders.metrics/latest',
  '/routing/metrics',
];

describe.each<Platform>(['express', 'fastify'])('what is read on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, maxFailedAuthentications: 0 }, platform);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.record('skills', run('lint'));
    await tenant.record('metrics', gauge('orders.metrics'));
  });

  it.each(PATHS)('%s is refused without a valid token: 401', async (path) => {
    for (const authorization of [
      undefined,
      'Bearer',
      'Bearer x.y.z',
      `Bearer ${tenant.token({ exp: secondsFromNow(-9) })}`,
    ]) {
      const response = await fetch(app.url(path), { headers: authorization ? { authorization } : {} });

      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toEqual({
        statusCode: 401,
        code: 'unauthenticated',
        message: 'Invalid authentication token',
      });
    }
  });

  it.each(PATHS)('%s takes no token of its address', async (path) => {
    expect((await fetch(app.url(`${path}?token=${tenant.token()}`))).status).toBe(401);
  });

  it.each(PATHS)('%s is for viewers, and for those who are viewers too', async (path) => {
    const as = (...roles: string[]) => new RestReader(app, tenant, { roles }).get(path);

    expect(await as('ingest')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    for (const role of ['viewer', 'admin', 'operator']) expect(await as(role)).toMatchObject({ status: 200 });
  });

  it.each(PATHS)('%s is of the tenant that the address chooses, among those that the token allows', async (path) => {
    const other = new TestTenant(app);
    const holder = new RestReader(app, other, { tenants: [tenant.id] });

    expect((await holder.get(`${path}?tenant_id=${tenant.id}`)).status).toBe(200);
    expect((await holder.get(`${path}?workspace_id=${tenant.id}`)).status).toBe(200);
    for (const query of [
      'tenant_id=stranger',
      `tenant_id=${tenant.id}&tenant_id=${tenant.id}`,
      `tenant_id[]=${tenant.id}`,
    ]) {
      expect(await holder.get(`${path}?${query}`)).toMatchObject({ status: 403, body: { code: 'no_tenant_access' } });
    }
  });

  it('is of the own tenant where the address chooses none', async () => {
    const holder = new RestReader(app, new TestTenant(app), { tenants: [tenant.id] });

    expect((await holder.get('/skills')).body).toMatchObject({ items: [] });
    expect((await holder.get(`/skills?tenant_id=${tenant.id}`)).body).toMatchObject({
      items: [{ skill_name: 'lint' }],
    });
    expect(await holder.get('/channels/orders.metrics/latest')).toMatchObject(NOT_FOUND);
  });

  it('cannot be written to', async () => {
    const authorization = `Bearer ${tenant.token({ roles: ['operator'] })}`;
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect((await fetch(app.url('/skills/lint'), { method, headers: { authorization } })).status).toBe(404);
    }
  });
});

describe('what is read in open mode', () => {
  it('needs no token', async () => {
    const app = await TestApp.start();
    await app.post('/ingest/skills', run('lint'));

    const answer = await fetch(app.url('/skills'));
    expect(await answer.json()).toMatchObject({ items: [{ skill_name: 'lint' }] });
    await app.close();
  });
});
