import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestClient } from '../../support/rest-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

describe.each<Platform>(['express', 'fastify'])('the list of tenants on %s', (platform) => {
  let app: TestApp;
  let operator: RestClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
    operator = new RestClient(app, { tenant_id: 'operations', roles: ['operator'] });
  });
  afterAll(() => app.close());

  const listed = async () =>
    ((await operator.get('/admin/tenants')).body['items'] as { tenant_id: string }[]).map(({ tenant_id }) => tenant_id);

  it('is of those that were ever seen, by name, each with what applies to it', async () => {
    expect((await operator.get('/admin/tenants')).body).toEqual({ items: [], next_cursor: null });
    const viewer = new TestTenant(app);
    const client = await viewer.watch();
    await expect.poll(async () => ((await operator.get('/admin/tenants')).body['items'] as unknown[]).length).toBe(1);
    await operator.put('/admin/tenants/acme/settings', { retention_days: 3 });

    const { body } = await operator.get('/admin/tenants');
    expect(body['items']).toEqual([
      (await operator.get('/settings/acme')).body,
      (await operator.get(`/settings/${viewer.id}`)).body,
    ]);
    expect(body['items']).toMatchObject([
      { tenant_id: 'acme', settings: { retention_days: 3 } },
      { tenant_id: viewer.id },
    ]);
    await client.close();
  });

  it('is not of those that an operator only looks for, which have the defaults all the same', async () => {
    for (const path of ['/settings/typo', '/admin/tenants/typo/settings']) {
      const { status, body } = await operator.get(path);
      expect([status, body]).toMatchObject([
        200,
        { tenant_id: 'typo', settings: { max_events_per_minute: 60 }, created_at: null, updated_at: null },
      ]);
    }

    expect(await listed()).not.toContain('typo');
  });

  it('is of those of whom somebody has looked, connected or recorded', async () => {
    const [looked, connected, recorded] = [new TestTenant(app), new TestTenant(app), new TestTenant(app)];
    await new RestClient(app, { tenant_id: looked.id, roles: ['viewer'] }).get(`/settings/${looked.id}`);
    const client = await connected.watch();
    await recorded.record('metrics', [gauge('orders.metrics')]);

    await expect
      .poll(listed)
      .toEqual(expect.arrayContaining([looked.id, connected.id, recorded.id]) as readonly string[]);
    await client.close();
  });

  it('comes a page after the other', async () => {
    const names = ['B', 'a', 'a-1', 'a.1', 'a_1', 'b', '1'];
    for (const name of names) await new RestClient(app, { tenant_id: name }).get(`/settings/${name}`);
    const seen: string[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const { body } = await operator.get(`/admin/tenants?limit=2${cursor ? `&cursor=${cursor as string}` : ''}`);
      const items = body['items'] as { tenant_id: string }[];
      expect(items.length).toBeLessThanOrEqual(2);
      seen.push(...items.map(({ tenant_id }) => tenant_id));
      cursor = body['next_cursor'];
    }

    expect(seen.filter((name) => names.includes(name))).toEqual([...names].sort());
    expect(seen).toEqual([...new Set(seen)]);
    expect(await operator.get('/admin/tenants?cursor=IiI')).toMatchObject({ status: 400 });
  });
});
