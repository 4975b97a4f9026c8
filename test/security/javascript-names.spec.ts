import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../support/app.js';
import { ChannelsClient } from '../support/channels-client.js';
import { RestClient } from '../support/rest-client.js';
import { TestTenant, completion, decision, gauge, run } from '../support/test-tenant.js';
import { WireClient } from '../support/wire-client.js';

/** What every object has, or has to do with its prototype. */
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'toJSON',
  '__defineGetter__',
];
/** Those that a tenant and an event type can be called, which begin with a letter. */
const WORDS = NAMES.filter((name) => !name.startsWith('_'));

describe('a name that means something to JavaScript', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let profiles: RestClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    profiles = new RestClient(app, { tenant_id: 'operations', roles: ['operator'] });
  });
  afterAll(async () => {
    await app.close();
    // Whatever was sent, nothing has been added to what all objects have.
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Object.prototype).not.toHaveProperty('polluted');
  });
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  describe.each(NAMES)('%s', (name) => {
    it('is no dialect: 400, in an address as in a subprotocol that is passed over', async () => {
      const address = `/ws/metrics?token=${tenant.token()}`;
      expect(await WireClient.refusedWith(app.url(`${address}&dialect=${name}`, 'ws'))).toBe(400);
      const protocols = [`metricast.${name}`, 'metricast.skills'];
      const client = await WireClient.open(app.url(address, 'ws'), { protocols });

      expect(client.socket.protocol).toBe('metricast.skills');
      await client.close();
    });

    it('is no type of events that nobody has published', async () => {
      const client = await tenant.watchWorkspace();
      client.send({ type: 'subscribe', event_types: [name] });

      expect(await client.next()).toMatchObject({ event: 'error', code: 'unknown_event_type' });
      expect(await client.next()).toMatchObject({ event: 'subscribed', event_types: [] });
      client.send({ type: 'request_metrics', metric_type: name });
      expect(await client.next()).toMatchObject({ event: 'error', code: 'bad_request' });
      await client.close();
    });

    it('is no profile that nobody has made, and none to choose', async () => {
      const admin = new RestClient(app, { tenant_id: tenant.id, roles: ['admin'] });
      const chosen = await admin.patch(`/admin/tenants/${tenant.id}/settings`, { performance_profile: name });

      expect(chosen).toMatchObject({ status: 400, body: { errors: [{ field: 'performance_profile' }] } });
      expect((await profiles.get(`/admin/profiles/${name}`)).status).toBe(404);
    });

    it('is a value of a tag as any other', async () => {
      await tenant.create('orders.metrics');
      const client = await tenant.watch();
      await client.subscribe(['orders.metrics'], { tags: { shop: name } });
      await tenant.record('metrics', [
        gauge('orders.metrics', { value: 1, tags: { shop: 'north' } }),
        gauge('orders.metrics', { value: 2, tags: { shop: name } }),
        gauge('orders.metrics', { value: 3 }),
      ]);

      expect((await client.settled()).map(({ value }) => value)).toEqual([2]);
      await client.close();
    });

    it('is an id, a run and a skill as any other', async () => {
      await tenant.record('skills', [run(name, { id: name }), run(name, { id: name })]);
      await tenant.record('executions', [completion(name, { agent_id: name }), completion(name, { agent_id: name })]);
      const reader = new RestClient(app, { tenant_id: tenant.id });

      expect((await reader.get(`/skills/${name}`)).body).toMatchObject({ skill_name: name, total_invocations: 1 });
      expect((await reader.get('/channels/executions.events/latest')).body).toMatchObject({ data: { run_id: name } });
    });

    it('is no claim that a token has not', async () => {
      const token = tenant.token({ roles: [name], filter: undefined });
      const answer = await tenant.record('skills', run('lint'), token);

      expect(answer.status).not.toBe(202);
    });
  });

  it.each(NAMES.filter((name) => name !== '__proto__'))(
    '%s is a strategy and a provider as any other',
    async (name) => {
      await tenant.record('decisions', decision({ strategy: name, provider: name }));
      const { body } = await new RestClient(app, { tenant_id: tenant.id }).get('/routing/metrics');

      expect(Object.keys(body['strategy_performance'] as object)).toEqual([name]);
      expect(body['provider_usage']).toEqual({ [name]: 1 });
    },
  );

  it('__proto__ is no strategy and no provider, which are keys of what is shown', async () => {
    for (const fields of [{ strategy: '__proto__' }, { provider: '__proto__' }]) {
      expect((await tenant.record('decisions', decision(fields))).status).toBe(400);
    }
  });

  it.each(WORDS)('%s is a tenant as any other', async (id) => {
    const owner = new RestClient(app, { tenant_id: id, roles: ['admin', 'ingest'] });
    await owner.post('/ingest/skills', run('lint'));
    await owner.post('/ingest/metrics', gauge('orders.metrics', { value: 7 }));
    await owner.patch(`/admin/tenants/${id}/settings`, { retention_days: 7 });
    const client = await ChannelsClient.open(app.url(`/ws/metrics?token=${owner.token}`, 'ws'), 'JSON');
    await client.subscribe(['orders.metrics']);

    expect((await owner.get(`/settings/${id}`)).body).toMatchObject({ tenant_id: id, settings: { retention_days: 7 } });
    expect((await owner.get('/skills')).body['items']).toHaveLength(1);
    expect((await owner.get('/channels/orders.metrics/latest')).body).toMatchObject({ value: 7 });
    expect((await profiles.get('/admin/stats')).body).toMatchObject({ by_tenant: { [id]: 1 } });
    expect((await new RestClient(app, { tenant_id: tenant.id }).get('/skills')).body['items']).toEqual([]);
    await client.close();
  });

  it('constructor is a profile as any other once it is made', async () => {
    const made = { name: 'constructor', collection_interval_seconds: 2 };
    expect((await profiles.post('/admin/profiles', made)).status).toBe(201);
    const admin = new RestClient(app, { tenant_id: tenant.id, roles: ['admin'] });
    await admin.patch(`/admin/tenants/${tenant.id}/settings`, { performance_profile: 'constructor' });

    expect((await admin.get(`/settings/${tenant.id}`)).body).toMatchObject({
      settings: { performance_profile: 'constructor', collection_interval_seconds: 2 },
    });
  });
});
