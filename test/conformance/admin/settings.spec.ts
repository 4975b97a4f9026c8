import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestClient } from '../../support/rest-client.js';
import { TestTenant } from '../../support/test-tenant.js';

const DEFAULTS = {
  metrics_streaming: true,
  collection_interval_seconds: 1,
  max_events_per_minute: 60,
  features: { compression: true, embeddings: true, workflows: true, response_cache: true },
  performance_profile: 'high_frequency',
  limits: {
    max_messages_per_minute: 1000,
    max_channels_per_connection: 128,
    max_tag_pairs_per_connection: 32,
    max_connections: 10_000,
    max_connections_per_subject: 0,
    max_series: 10_000,
  },
  retention_days: null,
  allowed_origins: [],
};
/** Nothing that applies to a tenant which has set nothing is its own. */
const BY_DEFAULT = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, 'default']));

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;

describe.each<Platform>(['express', 'fastify'])('the settings of a tenant on %s', (platform) => {
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

  const settings = async () => (await admin.get(path)).body['settings'] as Record<string, unknown>;
  const effective = async () => (await admin.get(path)).body['effective'] as Record<string, unknown>;

  it('are the defaults for one that was never seen, for whoever may read there', async () => {
    const fresh = {
      tenant_id: tenant.id,
      settings: DEFAULTS,
      effective: { ...DEFAULTS, mode: 'stream', streaming: true, sources: BY_DEFAULT },
      created_at: TIME,
      updated_at: TIME,
    };

    const viewer = await new RestClient(app, { tenant_id: tenant.id, roles: ['viewer'] }).get(`/settings/${tenant.id}`);
    expect([viewer.status, viewer.body]).toEqual([200, fresh]);
    for (const reader of [admin, operator]) {
      expect((await reader.get(path)).body).toEqual(viewer.body);
      expect((await reader.get(`/settings/${tenant.id}`)).body).toEqual(viewer.body);
    }
  });

  it('are what is put in place of all that was set', async () => {
    await admin.put(path, { collection_interval_seconds: 0.5, retention_days: 7, features: { workflows: false } });
    const { status, body } = await admin.put(path, { max_events_per_minute: 0, features: { embeddings: false } });

    expect(status).toBe(200);
    expect(body['settings']).toEqual({
      ...DEFAULTS,
      max_events_per_minute: 0,
      features: { ...DEFAULTS.features, embeddings: false },
    });
    expect(body['effective']).toMatchObject({
      sources: { ...BY_DEFAULT, max_events_per_minute: 'tenant', features: 'tenant' },
    });
    expect((await admin.get(path)).body).toEqual(body);
  });

  it('keep what a change leaves out, down to each feature and limit', async () => {
    await admin.patch(path, { retention_days: 30, features: { workflows: false }, limits: { max_series: 5 } });
    const { body } = await operator.patch(path, {
      features: { compression: false },
      limits: { max_connections: 0 },
      allowed_origins: ['https://Dash.example.com:443', 'http://localhost:3000', '*'],
    });

    expect(body['settings']).toEqual({
      ...DEFAULTS,
      retention_days: 30,
      features: { ...DEFAULTS.features, workflows: false, compression: false },
      limits: { ...DEFAULTS.limits, max_series: 5, max_connections: 0 },
      allowed_origins: ['https://dash.example.com', 'http://localhost:3000', '*'],
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['metrics_streaming', { metrics_streaming: false }],
    ['collection_interval_seconds', { collection_interval_seconds: 0.1 }],
    ['max_events_per_minute', { max_events_per_minute: 1_000_000 }],
    ['features', { features: { response_cache: false } }],
    ['performance_profile', { performance_profile: 'low_frequency' }],
    ['limits', { limits: { max_tag_pairs_per_connection: 0 } }],
    ['retention_days', { retention_days: 3650 }],
    ['allowed_origins', { allowed_origins: [] }],
  ])('%s: null takes back what was set', async (name, change) => {
    await admin.patch(path, change);
    expect((await effective())['sources']).toMatchObject({ [name]: 'tenant' });
    await admin.patch(path, { [name]: null });

    expect(await settings()).toEqual(DEFAULTS);
    expect((await effective())['sources']).toEqual(BY_DEFAULT);
  });

  it('null takes back one feature or limit, and leaves the others', async () => {
    await admin.patch(path, { features: { workflows: false, embeddings: false }, limits: { max_series: 5 } });
    await admin.patch(path, { features: { workflows: null }, limits: { max_series: null } });

    expect(await settings()).toEqual({ ...DEFAULTS, features: { ...DEFAULTS.features, embeddings: false } });
    expect((await effective())['sources']).toMatchObject({ features: 'tenant', limits: 'default' });
  });

  it('are those of the profile that is named, but for what the tenant sets itself', async () => {
    const { body } = await admin.put(path, { performance_profile: 'low_frequency', max_events_per_minute: 7 });

    expect(body['settings']).toMatchObject({ collection_interval_seconds: 5, max_events_per_minute: 7 });
    expect(body['effective']).toMatchObject({
      sources: {
        performance_profile: 'tenant',
        collection_interval_seconds: 'profile',
        max_events_per_minute: 'tenant',
        metrics_streaming: 'default',
      },
    });
  });

  it.each([
    ['batch_only', 'batch'],
    ['disabled', 'off'],
  ])('with the profile %s nothing is streamed', async (performance_profile, mode) => {
    await admin.patch(path, { performance_profile });

    expect(await effective()).toMatchObject({ mode, streaming: false, metrics_streaming: true });
  });

  it('are the defaults again after a reset', async () => {
    await admin.put(path, { metrics_streaming: false, retention_days: 1, limits: { max_series: 1 } });
    const { status, body } = await admin.post(`${path}/reset`);

    expect(status).toBe(200);
    expect(body['settings']).toEqual(DEFAULTS);
    expect((await admin.get(path)).body).toEqual(body);
  });

  it('can be put back as they are shown', async () => {
    await admin.put(path, {
      retention_days: 30,
      allowed_origins: ['https://a.example'],
      features: { workflows: false },
    });
    const shown = await settings();

    expect((await admin.put(path, shown)).body['settings']).toEqual(shown);
  });

  it('say since when they are there, and when they were changed last', async () => {
    const { body: first } = await admin.get(path);
    const { body: second } = await admin.patch(path, { retention_days: 1 });
    const { body: third } = await admin.patch(path, { retention_days: 2 });

    expect(second['created_at']).toBe(first['created_at']);
    const updates = [first, second, third].map((body) => Date.parse(body['updated_at'] as string));
    expect(updates[1]).toBeGreaterThan(updates[0]!);
    expect(updates[2]).toBeGreaterThan(updates[1]!);
  });

  it('keep every one of many changes that are made at once', async () => {
    const limits = Object.keys(DEFAULTS.limits);
    const answers = await Promise.all(limits.map((name, at) => admin.patch(path, { limits: { [name]: at + 1 } })));

    expect(answers.map(({ status }) => status)).toEqual(limits.map(() => 200));
    expect(await settings()).toMatchObject({ limits: Object.fromEntries(limits.map((name, at) => [name, at + 1])) });
  });

  it('are no one else’s', async () => {
    await admin.put(path, { retention_days: 1 });
    const other = new TestTenant(app);

    expect((await operator.get(`/settings/${other.id}`)).body['settings']).toEqual(DEFAULTS);
  });

  it('may be asked for again with what is known', async () => {
    const authorization = `Bearer ${tenant.token({ roles: ['viewer'] })}`;
    const first = await fetch(app.url(`/settings/${tenant.id}`), { headers: { authorization } });
    const known = { authorization, 'if-none-match': first.headers.get('etag')! };

    expect((await fetch(app.url(`/settings/${tenant.id}`), { headers: known })).status).toBe(304);
    await admin.patch(path, { retention_days: 1 });
    expect((await fetch(app.url(`/settings/${tenant.id}`), { headers: known })).status).toBe(200);
  });
});
