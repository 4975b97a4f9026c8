import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp, secondsFromNow } from '../../support/app.js';
import { RestClient, type Verb } from '../../support/rest-client.js';
import { NOT_FOUND } from '../../support/rest-reader.js';
import { TestTenant } from '../../support/test-tenant.js';

const OF_A_TENANT: [Verb, string][] = [
  ['GET', '/admin/tenants/:id/settings'],
  ['PUT', '/admin/tenants/:id/settings'],
  ['PATCH', '/admin/tenants/:id/settings'],
  ['POST', '/admin/tenants/:id/settings/reset'],
];
const FOR_ADMINS: [Verb, string][] = [
  ...OF_A_TENANT,
  ['GET', '/admin/profiles'],
  ['GET', '/admin/profiles/low_frequency'],
  ['GET', '/admin/audit'],
];
const FOR_OPERATORS: [Verb, string][] = [
  ['GET', '/admin/tenants'],
  ['POST', '/admin/profiles'],
  ['PUT', '/admin/profiles/low_frequency'],
  ['DELETE', '/admin/profiles/low_frequency'],
];
const ALL: [Verb, string][] = [['GET', '/settings/:id'], ...FOR_ADMINS, ...FOR_OPERATORS];

const STRANGE = ['never-seen', 'NEVER-SEEN', '__proto__', 'constructor', '..%2Facme', '%00', "'--", '-', '%20'];

describe.each<Platform>(['express', 'fastify'])('administration on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const as = (...roles: string[]) => new RestClient(app, { tenant_id: tenant.id, roles });
  const ask = (client: RestClient, [verb, path]: [Verb, string], id = tenant.id) =>
    client.ask(verb, path.replace(':id', id), verb === 'PUT' || verb === 'PATCH' || verb === 'POST' ? {} : undefined);

  it.each(ALL)('%s %s is refused without a valid token: 401', async (verb, path) => {
    for (const token of ['', tenant.token({ roles: ['operator'], exp: secondsFromNow(-9) })]) {
      const headers = token ? { authorization: `Bearer ${token}` } : undefined;
      const response = await fetch(app.url(path.replace(':id', tenant.id)), { method: verb, headers });

      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({
        statusCode: 401,
        code: 'unauthenticated',
        message: 'Invalid authentication token',
      });
    }
  });

  it.each([...FOR_ADMINS, ...FOR_OPERATORS])('%s %s is not for viewers: 403', async (...request) => {
    for (const roles of [['viewer'], ['ingest'], ['viewer', 'ingest'], []]) {
      const refused = { status: 403, body: { statusCode: 403, code: 'forbidden' } };
      expect(await ask(as(...roles), request)).toMatchObject(refused);
      // The role comes first: nothing is said about a tenant that it lacks anyway.
      expect(await ask(as(...roles), request, 'never-seen')).toMatchObject(refused);
    }
  });

  it.each(FOR_OPERATORS)('%s %s is not for administrators: 403', async (...request) => {
    expect(await ask(as('admin', 'viewer', 'ingest'), request)).toMatchObject({
      status: 403,
      body: { code: 'forbidden', message: 'Not allowed: needs the role operator' },
    });
  });

  it.each(FOR_ADMINS)('%s %s is for administrators, and for operators', async (...request) => {
    expect((await ask(as('admin'), request)).status).toBe(200);
    expect((await ask(as('operator'), request)).status).toBe(200);
  });

  it('GET /settings/:id is for viewers, and for those who are viewers too', async () => {
    const status = async (...roles: string[]) => (await ask(as(...roles), ['GET', '/settings/:id'])).status;

    expect([await status('viewer'), await status('admin'), await status('operator')]).toEqual([200, 200, 200]);
    expect(await status('ingest')).toBe(403);
  });

  it.each<[Verb, string]>([['GET', '/settings/:id'], ...OF_A_TENANT])(
    '%s %s: another tenant’s looks as if it did not exist',
    async (...request) => {
      const other = new TestTenant(app);
      await new RestClient(app, { tenant_id: other.id, roles: ['admin'] }).get(`/settings/${other.id}`);
      for (const id of [other.id, ...STRANGE]) {
        const { status, body } = await ask(as('admin'), request, id);
        expect({ status, body }).toEqual(NOT_FOUND);
      }
    },
  );

  it('leaves another tenant’s settings as they are', async () => {
    const other = new TestTenant(app);
    const owner = new RestClient(app, { tenant_id: other.id, roles: ['admin'] });
    await owner.put(`/admin/tenants/${other.id}/settings`, { retention_days: 7 });
    const before = (await owner.get(`/settings/${other.id}`)).body;
    for (const request of OF_A_TENANT) await ask(as('admin'), request, other.id);

    expect((await owner.get(`/settings/${other.id}`)).body).toEqual(before);
  });

  it('is of every tenant that the token allows', async () => {
    const further = new TestTenant(app);
    const admin = new RestClient(app, { tenant_id: tenant.id, tenants: [further.id], role: 'admin', roles: undefined });

    for (const request of OF_A_TENANT) expect((await ask(admin, request, further.id)).status).toBe(200);
  });

  it('is of every tenant for an operator, and of none that can be none', async () => {
    const other = new TestTenant(app);
    for (const request of OF_A_TENANT) expect((await ask(as('operator'), request, other.id)).status).toBe(200);
    for (const id of ['..%2Facme', '__proto__', '%20']) {
      expect(await ask(as('operator'), ['GET', '/settings/:id'], id)).toMatchObject(NOT_FOUND);
    }
  });

  it('asks who it is before it looks at a body', async () => {
    const path = `/admin/tenants/${tenant.id}/settings`;

    expect(await as('viewer').put(path, 'not JSON')).toMatchObject({ status: 403 });
    expect(await as('admin').put('/admin/tenants/never-seen/settings', 'not JSON')).toMatchObject({ status: 404 });
    expect(await as('admin').post('/admin/profiles', 'not JSON')).toMatchObject({ status: 403 });
  });
});
