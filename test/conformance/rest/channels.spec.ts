import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestReader } from '../../support/rest-reader.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

const AT = '2026-01-01T10:00:00.000Z';

describe.each<Platform>(['express', 'fastify'])('GET /channels on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let reader: RestReader;
  beforeAll(async () => {
    const eventTypes = { 'reports.events': ['report_ready'] };
    app = await TestApp.start({ auth: { secret: SECRET }, eventTypes }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    reader = new RestReader(app, tenant);
  });

  const itemsOf = ({ body }: { body: Record<string, unknown> }) => body['items'] as Record<string, unknown>[];
  const itemOf = async (channel: string, asked = reader) =>
    itemsOf(await asked.get('/channels')).find((item) => item['channel'] === channel);

  it('lists those that exist without being recorded in, sorted, and what each is', async () => {
    const answer = await reader.get('/channels');

    expect(answer).toMatchObject({ status: 200, body: { next_cursor: null } });
    const channels = itemsOf(answer).map(({ channel }) => channel as string);
    expect(channels).toEqual([...new Set(channels)].sort());
    expect(itemsOf(answer)).toEqual(
      expect.arrayContaining([
        { channel: 'agent.metrics', kind: 'state', last_at: null },
        { channel: 'alerts.events', kind: 'events', last_at: null },
        { channel: 'distributed.metrics', kind: 'state', last_at: null },
        { channel: 'executions.events', kind: 'events', last_at: null },
        { channel: 'reports.events', kind: 'events', last_at: null },
        { channel: 'routing.metrics', kind: 'state', last_at: null },
        { channel: 'skills.metrics', kind: 'state', last_at: null },
        { channel: 'system.metrics', kind: 'state', last_at: null },
        { channel: 'tools.metrics', kind: 'state', last_at: null },
        { channel: 'workflow.metrics', kind: 'state', last_at: null },
      ]),
    );
  });

  it('lists those that can be subscribed to, and no others', async () => {
    await tenant.create('orders.metrics');
    const listed = itemsOf(await reader.get('/channels')).map(({ channel }) => channel as string);
    const client = await tenant.watch();

    expect(await client.subscribe(listed)).toMatchObject({ channels: listed });
    await client.close();
  });

  it('lists those that were recorded in, with the newest timestamp, for their tenant alone', async () => {
    await tenant.record('metrics', [
      gauge('orders.metrics', { timestamp: AT }),
      gauge('orders.metrics', { name: 'other', timestamp: '2026-01-01T09:00:00Z' }),
    ]);
    await tenant.record('alerts', { type: 'disk', message: 'full', priority: 'low', timestamp: AT });

    expect(await itemOf('orders.metrics')).toEqual({ channel: 'orders.metrics', kind: 'samples', last_at: AT });
    expect(await itemOf('alerts.events')).toEqual({ channel: 'alerts.events', kind: 'events', last_at: AT });
    const other = new RestReader(app, new TestTenant(app));
    expect(await itemOf('orders.metrics', other)).toBeUndefined();
    expect(await itemOf('alerts.events', other)).toMatchObject({ last_at: null });
  });

  it('says of one that is collected that it is a state, with the newest that was recorded in it besides', async () => {
    await tenant.record('metrics', gauge('distributed.metrics', { timestamp: AT }));

    expect(await itemOf('distributed.metrics')).toEqual({ channel: 'distributed.metrics', kind: 'state', last_at: AT });
  });

  it("lists the service's own figures for operators alone", async () => {
    expect(await itemOf('gateway.metrics')).toBeUndefined();
    expect(await itemOf('gateway.metrics', new RestReader(app, tenant, { roles: ['admin'] }))).toBeUndefined();
    expect(await itemOf('gateway.metrics', new RestReader(app, tenant, { roles: ['operator'] }))).toBeDefined();
  });

  it('says for a token with a filter when the newest was of what that lets through', async () => {
    const at = (seconds: number, shop: string) => ({ timestamp: 1_700_000_000 + seconds, tags: { shop } });
    await tenant.record('metrics', [gauge('orders.metrics', at(1, 'north')), gauge('orders.metrics', at(2, 'south'))]);
    await tenant.record('alerts', { type: 'disk', message: 'full', priority: 'low' });
    const of = (filter: object) => new RestReader(app, tenant, { filter });

    expect(await itemOf('orders.metrics', of({ shop: 'north' }))).toMatchObject({
      last_at: '2023-11-14T22:13:21.000Z',
    });
    expect(await itemOf('orders.metrics', of({ shop: 'west' }))).toMatchObject({ last_at: null });
    expect(await itemOf('alerts.events', of({ priority: 'high' }))).toMatchObject({ last_at: null });
    expect(await itemOf('alerts.events', of({ priority: ['high', 'low'] }))).toMatchObject({
      last_at: expect.any(String) as string,
    });
  });

  it('goes on where a page ended, whatever comes into being meanwhile', async () => {
    await tenant.create(...Array.from({ length: 7 }, (_, at) => `m${at}.metrics`));
    const expected = itemsOf(await reader.get('/channels?limit=1000'));
    const seen: unknown[] = [];
    for await (const page of reader.pages('/channels', 4)) {
      seen.push(...page);
      // Before all that is still to come.
      await tenant.create('a-new-one.metrics');
    }

    expect(seen.length).toBeGreaterThan(14);
    expect(seen).toEqual(expected);
  });

  it.each(['limit=1001', 'cursor=x', `cursor=${Buffer.from('"no channel"').toString('base64url')}`])(
    'refuses %s',
    async (query) => {
      expect(await reader.get(`/channels?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'bad_request', errors: [{ field: query.split('=')[0] }] },
      });
    },
  );
});
