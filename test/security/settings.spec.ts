import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp, tokenWith } from '../support/app.js';
import { RestClient, type Verb } from '../support/rest-client.js';
import { type Route, addressOf, bodyFor, routesOf } from '../support/routes.js';
import { TestTenant } from '../support/test-tenant.js';

/** Every route, by the role that it needs: one that is new has to be put here, by somebody who has thought about it. */
const ROUTES: Readonly<Record<Role, readonly string[]>> = {
  viewer: [
    'GET /channels',
    'GET /channels/:channel/history',
    'GET /channels/:channel/latest',
    'GET /routing/metrics',
    'GET /settings/:tenantId',
    'GET /skills',
    'GET /skills/:name',
    'GET /skills/:name/anomalies',
  ],
  ingest: ['alerts', 'decisions', 'executions', 'metrics', 'skills', 'usage'].map((what) => `POST /ingest/${what}`),
  admin: [
    'DELETE /admin/connections/:id',
    'GET /admin/audit',
    'GET /admin/connections',
    'GET /admin/profiles',
    'GET /admin/profiles/:name',
    'GET /admin/tenants/:tenantId/settings',
    'PATCH /admin/tenants/:tenantId/settings',
    'POST /admin/tenants/:tenantId/settings/reset',
    'POST /admin/tokens/revoke',
    'PUT /admin/tenants/:tenantId/settings',
  ],
  operator: [
    'DELETE /admin/profiles/:name',
    'GET /admin/stats',
    'GET /admin/tenants',
    'POST /admin/profiles',
    'PUT /admin/profiles/:name',
  ],
  // The stream asks for its token itself, which may be in its address; the others say nothing about any tenant.
  nobody: [
    'GET /docs',
    'GET /docs/asyncapi',
    'GET /docs/openapi.json',
    'GET /docs/ui/:file',
    'GET /health',
    'GET /health/live',
    'GET /health/ready',
    'GET /metrics',
    'GET /stream/metrics',
  ],
};
type Role = 'viewer' | 'ingest' | 'admin' | 'operator' | 'nobody';

/** Who has a role: those who were given it, or one that includes it. */
const HOLDERS: Readonly<Record<string, readonly string[]>> = {
  viewer: ['viewer', 'admin', 'operator'],
  ingest: ['ingest', 'operator'],
  admin: ['admin', 'operator'],
  operator: ['operator'],
};
const VERBS = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'];

/** What is shown beside what can be set, what is stored beside it, and what could be if names were taken as they come. */
const NOT_TO_BE_SET = [
  ...['tenant_id', 'tenantId', 'workspace_id', 'id', '_id', 'created_at', 'createdAt', 'updated_at', 'updatedAt'],
  ...['sources', 'effective', 'settings', 'streaming', 'isStreaming', 'built_in', 'builtIn', 'revision', 'version'],
  ...['role', 'roles', 'operator', 'admin', 'actor', 'tenants', '__proto__', 'constructor', 'prototype', 'toString'],
];

describe.each<Platform>(['express', 'fastify'])('who administers on %s', (platform) => {
  let app: TestApp;
  let routes: Route[];
  let tenant: TestTenant;
  let admin: RestClient;
  beforeAll(async () => {
    const none = { maxFailedAuthentications: 0, maxRequestsPerMinute: 0 };
    app = await TestApp.start({ auth: { secret: SECRET }, ...none }, platform);
    routes = routesOf(app);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    admin = new RestClient(app, { tenant_id: tenant.id, sub: 'ada', roles: ['admin', 'ingest'] });
  });

  it('is asked for a role on every route but a few that are known', () => {
    const found = Object.fromEntries(Object.keys(ROUTES).map((role): [string, string[]] => [role, []]));
    for (const { verb, path, role = 'nobody' } of routes) found[role]!.push(`${verb} ${path}`);

    for (const of of Object.values(found)) of.sort();
    expect(found).toEqual(ROUTES);
  });

  it('needs a token on each of them: 401, whatever is wrong with it', async () => {
    for (const route of routes.filter(({ role }) => role)) {
      for (const authorization of [
        undefined,
        'Basic YWRhOmFkYQ==',
        `Bearer ${tokenWith({ exp: 1 })}`,
        'Bearer x.y.z',
      ]) {
        const headers = authorization ? { authorization } : undefined;
        const url = app.url(`${addressOf(route, tenant.id)}?token=${admin.token}`);
        const answer = await fetch(url, { method: route.verb, headers });

        expect([route, answer.status]).toEqual([route, 401]);
        expect(await answer.json()).toEqual({
          statusCode: 401,
          code: 'unauthenticated',
          message: 'Invalid authentication token',
        });
      }
    }
  });

  it('needs the role of each: 403 without, whatever else there is', async () => {
    for (const route of routes.filter(({ role }) => role)) {
      for (const role of Object.keys(HOLDERS)) {
        const client = new RestClient(app, { tenant_id: tenant.id, roles: [role] });
        const isHolder = HOLDERS[route.role!]!.includes(role);
        const { status, body } = await client.ask(route.verb, addressOf(route, tenant.id), bodyFor(route));

        expect([route, role, status === 403]).toEqual([route, role, !isHolder]);
        expect(status).not.toBe(401);
        if (!isHolder)
          expect(body).toEqual({
            statusCode: 403,
            code: 'forbidden',
            message: `Not allowed: needs the role ${route.role}`,
          });
      }
    }
  });

  it('finds nothing behind another verb, letters in a path, or a slash more, that the role does not open', async () => {
    const headers = { authorization: `Bearer ${tenant.token({ roles: ['viewer', 'ingest'] })}` };
    const paths = new Set(
      routes.filter(({ path }) => path.startsWith('/admin')).map((route) => addressOf(route, tenant.id)),
    );
    for (const path of paths) {
      for (const verb of VERBS) {
        for (const variant of [
          path,
          path.replace('admin', 'ADMIN'),
          `${path}/`,
          `/${path}`,
          `${path};.json`,
          `${path}%2f`,
        ]) {
          const { status } = await fetch(app.url(variant), { method: verb, headers });

          expect([403, 404], `${verb} ${variant}`).toContain(status);
        }
      }
    }
  });

  describe.each(NOT_TO_BE_SET)('cannot set %s', (name) => {
    /** As text: `__proto__` in an object is none of its fields. */
    const field = `"${name}":"9999"`;

    it.each<Verb>(['PUT', 'PATCH'])('of settings, by %s', async (verb) => {
      const path = `/admin/tenants/${tenant.id}/settings`;
      const before = await admin.get(path);
      const answers = [
        await admin.ask(verb, path, `{"retention_days":7,${field}}`),
        await admin.ask(verb, path, `{"retention_days":7,"limits":{${field}}}`),
        await admin.ask(verb, path, `{"retention_days":7,"features":{${field}}}`),
      ];

      for (const [at, prefix] of ['', 'limits.', 'features.'].entries()) {
        expect(answers[at]).toMatchObject({
          status: 400,
          body: { errors: [{ field: `${prefix}${name}`, message: 'there is no such field' }] },
        });
      }
      expect((await admin.get(path)).body).toEqual(before.body);
    });

    it('of profiles', async () => {
      const operator = new RestClient(app, { tenant_id: 'operations', roles: ['operator'] });
      const own = `${tenant.id}-profile`;
      await operator.post('/admin/profiles', { name: own, collection_interval_seconds: 3 });
      const before = await operator.get(`/admin/profiles/${own}`);
      const refused = { status: 400, body: { errors: [{ field: name, message: 'there is no such field' }] } };
      const body = `{"name":"another","collection_interval_seconds":4,${field}}`;

      expect(await operator.post('/admin/profiles', body)).toMatchObject(refused);
      expect(await operator.put(`/admin/profiles/${own}`, body.replace('another', own))).toMatchObject(refused);
      expect((await operator.get('/admin/profiles/another')).status).toBe(404);
      expect((await operator.get(`/admin/profiles/${own}`)).body).toEqual(before.body);
    });
  });

  // A tenant is what may be named there.
  it.each(NOT_TO_BE_SET.filter((name) => name !== 'tenant_id'))('cannot set %s of what is revoked', async (name) => {
    const answer = await admin.post('/admin/tokens/revoke', `{"sub":"nobody","${name}":"9999"}`);

    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: name }] } });
  });

  it('can set nothing on behalf of another: what is written down is the subject of the token', async () => {
    const path = `/admin/tenants/${tenant.id}/settings`;
    await fetch(app.url(path), {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${admin.token}`,
        'content-type': 'application/json',
        ...{ 'x-user': 'mallory', 'x-actor': 'mallory', 'x-forwarded-user': 'mallory', from: 'mallory' },
      },
      body: JSON.stringify({ retention_days: 7 }),
    });
    const { body } = await admin.get('/admin/audit');

    expect(body['items']).toMatchObject([{ actor: 'ada', tenant_id: tenant.id, action: 'settings.change' }]);
  });
});
