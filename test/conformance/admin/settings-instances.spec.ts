import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { ChannelsClient } from '../../support/channels-client.js';
import { Scratch } from '../../support/host.js';
import { RestClient } from '../../support/rest-client.js';

describe('two instances on one database', () => {
  let scratch: Scratch;
  let one: TestApp;
  let other: TestApp;
  beforeEach(async () => {
    scratch = new Scratch();
    const options = { auth: { secret: SECRET }, database: `sqlite:${scratch.file('shared.db')}` };
    one = await TestApp.start(options);
    other = await TestApp.start(options);
  });
  afterEach(async () => {
    await one.close();
    await other.close();
    scratch.remove();
  });

  const CLAIMS = { tenant_id: 'acme', roles: ['operator'] };
  const PATH = '/admin/tenants/acme/settings';
  const at = (app: TestApp) => new RestClient(app, CLAIMS);

  it('both act on a change within two seconds, whichever it was made on', async () => {
    const client = await ChannelsClient.open(other.url(`/ws/metrics?token=${at(other).token}`, 'ws'), 'JSON');
    for (const [app, interval] of [
      [one, 7],
      [other, 8],
      [one, 9],
    ] as const) {
      const start = performance.now();
      await at(app).patch(PATH, { collection_interval_seconds: interval });
      expect(await client.next({ type: 'settings' })).toMatchObject({ interval, reason: 'settings_changed' });
      expect(performance.now() - start).toBeLessThan(2000);
    }

    const views = [await at(one).get('/settings/acme'), await at(other).get('/settings/acme')];
    expect(views[0]!.body).toEqual(views[1]!.body);
    await client.close();
  });

  it('both say the same of why it was changed', async () => {
    const clients = await Promise.all(
      [one, other].map((app) => ChannelsClient.open(app.url(`/ws/metrics?token=${at(app).token}`, 'ws'), 'JSON')),
    );
    const reasons = () =>
      Promise.all(clients.map(async (client) => (await client.next({ type: 'settings' }))['reason']));
    for (const [change, reason] of [
      [() => at(one).patch(PATH, { collection_interval_seconds: 7 }), 'settings_changed'],
      [() => at(one).post(`${PATH}/reset`), 'settings_reset'],
      [() => at(other).put(PATH, { collection_interval_seconds: 8 }), 'settings_changed'],
      [() => at(other).put(PATH, {}), 'settings_reset'],
    ] as const) {
      await change();
      expect(await reasons()).toEqual([reason, reason]);
    }
    await Promise.all(clients.map((client) => client.close()));
  });

  it('both know a profile from the moment on that it is made', async () => {
    await at(one).post('/admin/profiles', { name: 'night', collection_interval_seconds: 30 });

    expect(await at(other).patch(PATH, { performance_profile: 'night' })).toMatchObject({
      status: 200,
      body: { effective: { performance_profile: 'night', collection_interval_seconds: 30 } },
    });
    expect((await at(other).get('/admin/profiles/night')).status).toBe(200);
    expect((await at(other).post('/admin/profiles', { name: 'night', collection_interval_seconds: 1 })).status).toBe(
      409,
    );
    expect((await at(one).delete('/admin/profiles/night')).status).toBe(409);
  });

  it('both act on a replaced profile within two seconds', async () => {
    await at(one).post('/admin/profiles', { name: 'night', collection_interval_seconds: 30 });
    await at(other).patch(PATH, { performance_profile: 'night' });
    const client = await ChannelsClient.open(other.url(`/ws/metrics?token=${at(other).token}`, 'ws'), 'JSON');
    const start = performance.now();
    await at(one).put('/admin/profiles/night', { mode: 'batch', collection_interval_seconds: 20 });

    expect(await client.next({ type: 'settings', profile: 'night', streaming: false })).toMatchObject({ interval: 20 });
    expect(performance.now() - start).toBeLessThan(2000);
    await client.close();
  });

  it('a change on one keeps what another has changed a moment ago', async () => {
    await at(one).patch(PATH, { retention_days: 7 });
    const { body } = await at(other).patch(PATH, { max_events_per_minute: 5 });

    expect(body['settings']).toMatchObject({ retention_days: 7, max_events_per_minute: 5 });
  });

  it('what was set outlives them', async () => {
    await at(one).put(PATH, { retention_days: 7, features: { workflows: false }, limits: { max_series: 5 } });
    const before = (await at(one).get('/settings/acme')).body;
    const third = await TestApp.start({
      auth: { secret: SECRET },
      database: `sqlite:${scratch.file('shared.db')}`,
    });

    expect((await at(third).get('/settings/acme')).body).toEqual(before);
    await third.close();
  });
});
