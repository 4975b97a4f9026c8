import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestClient } from '../../support/rest-client.js';
import { NOT_FOUND } from '../../support/rest-reader.js';
import { changeSettings } from '../../support/settings.js';
import { TestTenant } from '../../support/test-tenant.js';

const BUILT_IN = [
  { name: 'batch_only', mode: 'batch', collection_interval_seconds: 60, max_events_per_minute: 0, built_in: true },
  { name: 'disabled', mode: 'off', collection_interval_seconds: 60, max_events_per_minute: 0, built_in: true },
  { name: 'high_frequency', mode: 'stream', collection_interval_seconds: 1, max_events_per_minute: 60, built_in: true },
  { name: 'low_frequency', mode: 'stream', collection_interval_seconds: 5, max_events_per_minute: 30, built_in: true },
];

let count = 0;

describe.each<Platform>(['express', 'fastify'])('performance profiles on %s', (platform) => {
  let app: TestApp;
  let operator: RestClient;
  let admin: RestClient;
  let name: string;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
    operator = new RestClient(app, { tenant_id: 'operations', sub: 'grace', roles: ['operator'] });
    admin = new RestClient(app, { roles: ['admin'] });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    name = `profile-${++count}`;
  });

  const create = async (fields: Record<string, unknown> = {}) => {
    const answer = await operator.post('/admin/profiles', { name, collection_interval_seconds: 2, ...fields });
    expect(answer.status).toBe(201);
    return answer.body;
  };

  it('are four, where nobody has made any', async () => {
    const fresh = await TestApp.start({ auth: { secret: SECRET } }, platform);
    const { status, body } = await new RestClient(fresh, { roles: ['admin'] }).get('/admin/profiles');

    expect(status).toBe(200);
    expect(body).toMatchObject({ items: BUILT_IN, next_cursor: null });
    expect(Object.keys((body['items'] as object[])[0]!)).toHaveLength(6);
    await fresh.close();
  });

  it('are made, and shown to administrators', async () => {
    const fields = {
      name,
      mode: 'batch',
      collection_interval_seconds: 0.1,
      max_events_per_minute: 5,
      description: 'Of the night shift',
    };
    const made = await operator.post('/admin/profiles', fields);

    expect([made.status, made.body]).toEqual([201, { ...fields, built_in: false }]);
    expect(made.headers.get('location')).toBe(`/admin/profiles/${name}`);
    expect((await admin.get(made.headers.get('location')!)).body).toEqual(made.body);
    expect((await admin.get('/admin/profiles')).body['items']).toContainEqual(made.body);
  });

  it.each([
    [0.2, 300],
    [7, 9],
    [3600, 1],
  ])('of %d seconds may send as often, where nothing else is said', async (collection_interval_seconds, cap) => {
    expect(await create({ collection_interval_seconds })).toEqual({
      name,
      mode: 'stream',
      collection_interval_seconds,
      max_events_per_minute: cap,
      description: '',
      built_in: false,
    });
  });

  it('are replaced as a whole', async () => {
    await create({ mode: 'off', description: 'Of the night shift' });
    const path = `/admin/profiles/${name}`;
    const { status, body } = await operator.put(path, { collection_interval_seconds: 6 });

    expect(status).toBe(200);
    expect(body).toMatchObject({ name, mode: 'stream', max_events_per_minute: 10, description: '' });
    expect((await admin.get(path)).body).toEqual(body);
    expect(await operator.put(path, { name, collection_interval_seconds: 6 })).toMatchObject({ status: 200 });
    expect(await operator.put(path, { name: 'another', collection_interval_seconds: 6 })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'name', message: 'must be the one in the path' }] },
    });
  });

  it('are deleted, and their names are free again', async () => {
    await create();
    const path = `/admin/profiles/${name}`;
    const deleted = await operator.delete(path);

    expect([deleted.status, deleted.body]).toEqual([204, {}]);
    expect(await admin.get(path)).toMatchObject(NOT_FOUND);
    expect(await operator.delete(path)).toMatchObject(NOT_FOUND);
    expect(await operator.put(path, { collection_interval_seconds: 1 })).toMatchObject(NOT_FOUND);
    await create();
  });

  it.each(BUILT_IN)('that are built in do not change: $name', async ({ name: builtIn }) => {
    const conflict = { status: 409, body: { statusCode: 409, code: 'conflict' } };
    const path = `/admin/profiles/${builtIn}`;

    expect(await operator.put(path, { collection_interval_seconds: 1 })).toMatchObject(conflict);
    expect(await operator.delete(path)).toMatchObject(conflict);
    expect(await operator.post('/admin/profiles', { name: builtIn, collection_interval_seconds: 1 })).toMatchObject(
      conflict,
    );
    expect((await admin.get(path)).body).toMatchObject(BUILT_IN.find((profile) => profile.name === builtIn)!);
  });

  it('have a name each: one of several who take it gets it', async () => {
    const tries = [1, 2, 3].map((interval) =>
      operator.post('/admin/profiles', { name, collection_interval_seconds: interval }),
    );

    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.toSorted((one, other) => one - other)).toEqual([201, 409, 409]);
  });

  it('stay while a tenant is on them, and say who is', async () => {
    await create();
    const tenant = new TestTenant(app);
    await changeSettings(app, tenant, { performance_profile: name });
    const refused = await operator.delete(`/admin/profiles/${name}`);

    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'conflict', message: `Conflict: 1 tenant is on this profile: ${tenant.id}` },
    });
    expect(await admin.get(`/admin/profiles/${name}`)).toMatchObject({ status: 200 });
    await changeSettings(app, tenant, { performance_profile: null });
    expect(await operator.delete(`/admin/profiles/${name}`)).toMatchObject({ status: 204 });
  });

  it('name ten of many tenants that are on them', async () => {
    await create();
    const tenants = Array.from({ length: 12 }, () => new TestTenant(app));
    await Promise.all(tenants.map((tenant) => changeSettings(app, tenant, { performance_profile: name })));
    const { body } = await operator.delete(`/admin/profiles/${name}`);
    const named = tenants.map(({ id }) => id).sort();

    expect(body['message']).toBe(`Conflict: 12 tenants are on this profile: ${named.slice(0, 10).join(', ')}, …`);
  });

  it('either go or are named, where both is tried at once', async () => {
    await create();
    const tenant = new TestTenant(app);
    const administrator = new RestClient(app, { tenant_id: tenant.id, roles: ['admin'] });
    const path = `/admin/tenants/${tenant.id}/settings`;
    const [deleted, put] = await Promise.all([
      operator.delete(`/admin/profiles/${name}`),
      administrator.patch(path, { performance_profile: name }),
    ]);

    expect([`${deleted.status} ${put.status}`]).toEqual([expect.stringMatching(/^(204 400|409 200)$/)]);
  });

  it('act on open connections when they are replaced', async () => {
    await create({ collection_interval_seconds: 9 });
    const tenant = new TestTenant(app);
    await changeSettings(app, tenant, { performance_profile: name });
    const client = await tenant.watch();
    await operator.put(`/admin/profiles/${name}`, { collection_interval_seconds: 0.2 });

    expect(await client.next({ type: 'settings' })).toEqual({
      type: 'settings',
      interval: 0.2,
      profile: name,
      streaming: true,
      reason: 'profile_changed',
    });
    expect((await operator.get(`/settings/${tenant.id}`)).body).toMatchObject({
      settings: { collection_interval_seconds: 0.2, max_events_per_minute: 300 },
    });
    await client.close();
  });

  it('are listed a page after the other, by name', async () => {
    await create();
    const seen: string[] = [];
    let cursor: unknown = '';
    while (cursor !== null) {
      const { body } = await admin.get(`/admin/profiles?limit=3${cursor ? `&cursor=${cursor as string}` : ''}`);
      const items = body['items'] as { name: string }[];
      expect(items.length).toBeLessThanOrEqual(3);
      seen.push(...items.map((item) => item.name));
      cursor = body['next_cursor'];
    }

    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toEqual(expect.arrayContaining([name, ...BUILT_IN.map((profile) => profile.name)]));
    expect(await admin.get('/admin/profiles?cursor=WyJ4Il0')).toMatchObject({ status: 400 });
  });

  it('are told all that is wrong at once', async () => {
    const bad = {
      name: 'Not A Name',
      mode: 'push',
      collection_interval_seconds: 0,
      max_events_per_minute: -1,
      description: 'a\u0000b',
      built_in: true,
    };
    const { status, body } = await operator.post('/admin/profiles', bad);

    expect(status).toBe(400);
    const errors = body['errors'] as { field: string; message: string }[];
    expect(Object.fromEntries(errors.map(({ field, message }) => [field, message]))).toEqual({
      name: 'must be 1 to 64 characters of a-z 0-9 _ -, the first a letter or a digit',
      mode: 'must be one of stream, batch, off',
      collection_interval_seconds: 'must be a number from 0.1 to 3600',
      max_events_per_minute: 'must be a whole number from 0 to 1000000',
      description: 'must be a printable text of at most 200 characters',
      built_in: 'there is no such field',
    });
    for (const empty of ['{}', '[]', 'null', '"x"']) {
      expect(await operator.post('/admin/profiles', empty)).toMatchObject({ status: 400 });
    }
  });

  it.each(['Nobodys', 'no%20name', '..%2Fdisabled', '__proto__', 'constructor', 'a'.repeat(65)])(
    'are not there under %s',
    async (unknown) => {
      const path = `/admin/profiles/${unknown}`;
      expect(await admin.get(path)).toMatchObject(NOT_FOUND);
      expect(await operator.delete(path)).toMatchObject(NOT_FOUND);
      expect(await operator.put(path, { collection_interval_seconds: 1 })).toMatchObject(NOT_FOUND);
    },
  );
});
