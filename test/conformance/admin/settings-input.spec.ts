import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestClient } from '../../support/rest-client.js';
import { TestTenant } from '../../support/test-tenant.js';

const SEEN = 'what-was-sent';

/** A value that cannot be, for each field, and what is said of it. */
const BAD: Record<string, unknown> = {
  metrics_streaming: 'true',
  collection_interval_seconds: 0.05,
  max_events_per_minute: 1.5,
  features: { compression: 1, embeddings: 'no', workflows: [], response_cache: {} },
  performance_profile: SEEN,
  limits: {
    max_messages_per_minute: -1,
    max_channels_per_connection: 0.5,
    max_tag_pairs_per_connection: '32',
    max_connections: true,
    max_connections_per_subject: [],
    max_series: 1e300,
  },
  retention_days: 0,
  allowed_origins: [`https://${SEEN}.example/path`],
};
const ORIGINS = 'must be a list of at most 100 origins: scheme://host or scheme://host:port, or * for all';
const ERRORS: Record<string, string> = {
  metrics_streaming: 'must be true or false',
  collection_interval_seconds: 'must be a number from 0.1 to 3600',
  max_events_per_minute: 'must be a whole number from 0 to 1000000',
  'features.compression': 'must be true or false',
  'features.embeddings': 'must be true or false',
  'features.workflows': 'must be true or false',
  'features.response_cache': 'must be true or false',
  performance_profile: 'must be the name of a profile',
  'limits.max_messages_per_minute': 'must be a whole number of at least 0',
  'limits.max_channels_per_connection': 'must be a whole number of at least 0',
  'limits.max_tag_pairs_per_connection': 'must be a whole number of at least 0',
  'limits.max_connections': 'must be a whole number of at least 0',
  'limits.max_connections_per_subject': 'must be a whole number of at least 0',
  'limits.max_series': 'must be a whole number of at least 0',
  retention_days: 'must be a whole number from 1 to 3650',
  allowed_origins: ORIGINS,
};

const ONE_BAD: [field: string, body: unknown][] = [
  ['metrics_streaming', { metrics_streaming: 0 }],
  ['collection_interval_seconds', { collection_interval_seconds: 3600.1 }],
  ['collection_interval_seconds', { collection_interval_seconds: '1' }],
  ['collection_interval_seconds', '{"collection_interval_seconds":1e999}'],
  ['max_events_per_minute', { max_events_per_minute: -1 }],
  ['max_events_per_minute', { max_events_per_minute: 1_000_001 }],
  ['features', { features: ['compression'] }],
  ['features', { features: 'all' }],
  ['features', { features: false }],
  ['features.telepathy', { features: { telepathy: true } }],
  ['limits', { limits: [] }],
  ['limits', { limits: 7 }],
  ['limits.maxSeries', { limits: { maxSeries: 1 } }],
  ['performance_profile', { performance_profile: '' }],
  ['performance_profile', { performance_profile: 'HIGH_FREQUENCY' }],
  ['performance_profile', { performance_profile: 7 }],
  ['performance_profile', { performance_profile: '__proto__' }],
  ['retention_days', { retention_days: 3651 }],
  ['retention_days', { retention_days: '7' }],
  ['allowed_origins', { allowed_origins: 'https://a.example' }],
  ['allowed_origins', { allowed_origins: ['a.example'] }],
  ['allowed_origins', { allowed_origins: ['https://a.example/'] }],
  ['allowed_origins', { allowed_origins: ['https://ada@a.example'] }],
  ['allowed_origins', { allowed_origins: ['https://*.example'] }],
  ['allowed_origins', { allowed_origins: ['null'] }],
  ['allowed_origins', { allowed_origins: [null] }],
  ['allowed_origins', { allowed_origins: Array.from({ length: 101 }, (_, at) => `https://a${at}.example`) }],
  ['metricsStreaming', { metricsStreaming: true }],
  ['mode', { mode: 'off' }],
  ['tenant_id', { tenant_id: 'other' }],
  ['__proto__', '{"__proto__":{"metrics_streaming":false}}'],
  ['constructor', '{"constructor":{"prototype":{"polluted":true}}}'],
  ['features.__proto__', '{"features":{"__proto__":{"compression":false}}}'],
  ['limits.constructor', { limits: { constructor: 1 } }],
];

/** What a body may be that is not an object, or no body of settings at all. */
const NO_OBJECT = [
  '[]',
  '[{"retention_days":1}]',
  '"text"',
  '7',
  'true',
  'null',
  `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
];

describe.each<Platform>(['express', 'fastify'])('settings that cannot be, on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let path: string;
  let admin: RestClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    path = `/admin/tenants/${tenant.id}/settings`;
    admin = new RestClient(app, { tenant_id: tenant.id, roles: ['admin'] });
  });

  describe.each(['PUT', 'PATCH'] as const)('%s', (verb) => {
    it('is told all that is wrong at once, and nothing of what was sent', async () => {
      const { status, body } = await admin.ask(verb, path, { ...BAD, another: SEEN });

      expect([status, body['code'], body['message']]).toEqual([400, 'bad_request', 'Invalid request']);
      const errors = body['errors'] as { field: string; message: string }[];
      expect(Object.fromEntries(errors.map(({ field, message }) => [field, message]))).toEqual({
        ...ERRORS,
        another: 'there is no such field',
      });
      expect(errors).toHaveLength(Object.keys(ERRORS).length + 1);
      expect(JSON.stringify(body)).not.toContain(SEEN);
    });

    it.each(ONE_BAD)('is refused for %s alone: %j', async (field, body) => {
      const answer = await admin.ask(verb, path, body);

      expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
      expect(answer.body['errors']).toEqual([{ field, message: expect.any(String) as string }]);
      expect(Object.prototype).not.toHaveProperty('polluted');
    });

    it.each(NO_OBJECT)('is refused where it is no object: %.20s', async (body) => {
      expect(await admin.ask(verb, path, body)).toMatchObject({
        status: 400,
        body: { code: 'bad_request', message: 'Invalid request: the body must be an object' },
      });
    });

    it('is refused however deep it is, and wherever', async () => {
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      for (const field of ['features', 'limits', 'retention_days', 'allowed_origins', 'another']) {
        expect(await admin.ask(verb, path, `{"${field}":${deep}}`)).toMatchObject({
          status: 400,
          body: { errors: [{ field }] },
        });
      }
      expect(await admin.ask(verb, path, `{"features":{"compression":${deep}}}`)).toMatchObject({
        body: { errors: [{ field: 'features.compression' }] },
      });
    });

    it('does not repeat a name that no field could have', async () => {
      const names = ['<script>', 'a\r\nb', '‮desrever', 'x'.repeat(65), ''];
      const { body } = await admin.ask(verb, path, Object.fromEntries(names.map((name) => [name, 1])));

      expect(body['errors']).toEqual(names.map(() => ({ field: '', message: 'there is no such field' })));
      const inside = await admin.ask(verb, path, { limits: { '<script>': 1 } });
      expect(inside.body['errors']).toEqual([{ field: 'limits', message: 'there is no such field' }]);
    });

    it('names a hundred of many fields that there are not', async () => {
      const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`f${at}`, 1]));
      const { status, body } = await admin.ask(verb, path, many);

      expect(status).toBe(400);
      expect(body['errors']).toHaveLength(100);
    });

    it('is refused where it is not JSON: 400, and 415 where it does not even say so', async () => {
      expect(await admin.ask(verb, path, '{"retention_days":')).toMatchObject({ status: 400 });
      const form = await admin.ask(verb, path, 'retention_days=7', 'application/x-www-form-urlencoded');
      expect(form.status).toBe(415);
    });

    it('changes nothing where anything is wrong', async () => {
      const before = (await admin.get(path)).body;
      await admin.ask(verb, path, { retention_days: 7, max_events_per_minute: -1 });
      await admin.ask(verb, path, { retention_days: 7, performance_profile: 'nobodys' });

      expect((await admin.get(path)).body).toEqual(before);
    });
  });

  it('a reset looks at no body', async () => {
    await admin.put(path, { retention_days: 7 });

    expect(await admin.post(`${path}/reset`, 'not JSON')).toMatchObject({
      status: 200,
      body: { settings: { retention_days: null } },
    });
  });
});
