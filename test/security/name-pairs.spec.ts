import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, SECRET, TestApp } from '../support/app.js';
import { ChannelsClient } from '../support/channels-client.js';
import { RestClient } from '../support/rest-client.js';
import { changeSettings } from '../support/settings.js';
import { TestTenant, completion, decision, gauge, run, usage } from '../support/test-tenant.js';

/** A name that ends where another begins: put together without care, the two are one. */
const SEPARATORS = [':', ' ', ',', '|', '/', '@', '=', '"', '","', '":"', '\\', '\\"'];

describe('two names', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let number = 0;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, maxFailedAuthentications: 0 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const rest = (claims: Record<string, unknown>) => new RestClient(app, { roles: ['operator'], ...claims });
  const watch = (client: RestClient) => ChannelsClient.open(app.url(`/ws/metrics?token=${client.token}`, 'ws'), 'JSON');

  describe.each(['.', '-', '_'])('of a tenant and a channel, with "%s" between', (separator) => {
    it('are another tenant’s channel where they are cut elsewhere', async () => {
      const base = `pair${++number}`;
      const [long, short] = [rest({ tenant_id: `${base}${separator}a` }), rest({ tenant_id: base })];
      const [ofLong, ofShort] = ['b.metrics', `a${separator}b.metrics`];
      await long.post('/ingest/metrics', gauge(ofLong));
      await short.post('/ingest/metrics', gauge(ofShort));
      const [onLong, onShort] = [await watch(long), await watch(short)];
      await onLong.subscribe([ofLong]);
      await onShort.subscribe([ofShort]);
      await long.post('/ingest/metrics', gauge(ofLong, { value: 7 }));

      expect(await onLong.settled()).toMatchObject([{ value: 7 }]);
      expect(await onShort.settled()).toEqual([]);
      expect((await short.get(`/channels/${ofShort}/latest`)).body).toMatchObject({ value: 1 });
      expect((await long.get(`/channels/${ofShort}/latest`)).status).toBe(404);
      await Promise.all([onLong.close(), onShort.close()]);
    });

    it('of a subject and its tenant have each a budget of their own', async () => {
      const base = `budget${++number}`;
      const [one, other] = [
        rest({ tenant_id: base, sub: `a${separator}b c` }),
        rest({ tenant_id: `${base}${separator}a`, sub: 'b c' }),
      ];
      for (const id of [base, `${base}${separator}a`]) {
        await one.patch(`/admin/tenants/${id}/settings`, { limits: { max_messages_per_minute: 1 } });
      }
      const [first, second] = [await watch(one), await watch(other)];
      for (const client of [first, second]) {
        expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
      }
      first.send({ type: 'ping' });
      expect(await first.next()).toMatchObject({ code: 'rate_limited' });
      await Promise.all([first.close(), second.close()]);
    });
  });

  describe.each(SEPARATORS)('with %j between', (separator) => {
    const [a, b, c] = ['a', 'b', 'c'];
    const cut = [
      [`${a}${separator}${b}`, c],
      [a, `${b}${separator}${c}`],
    ] as const;

    /** As many are new as there are: the last one finds no room only if none before it was taken for another. */
    const expectApart = async (...points: Record<string, unknown>[]) => {
      await changeSettings(app, tenant, { limits: { max_series: points.length } });
      const recorded = await tenant.record(
        'metrics',
        points.map((fields) => gauge('orders.metrics', fields)),
      );
      expect(recorded.body).toMatchObject({ accepted: points.length });
      expect(await tenant.record('metrics', gauge('orders.metrics', { name: 'one more' }))).toMatchObject({
        status: 400,
      });
    };

    it('are two series, of a metric and a tag', () =>
      expectApart(...cut.map(([name, shop]) => ({ name, tags: { shop } }))));

    it('are two series, of two tags', () => expectApart(...cut.map(([shop, team]) => ({ tags: { shop, team } }))));

    it('are two series, of one tag that looks like two', () =>
      expectApart(
        { tags: { shop: `${a}${separator}team${separator}${b}` } },
        { tags: { shop: a, team: b } },
        { tags: { shop: `${a}","team":"${b}` } },
      ));

    it('are two to those who watch the one or the other', async () => {
      await tenant.create('orders.metrics');
      const clients = await Promise.all(cut.map(() => tenant.watch()));
      for (const [at, [shop, team]] of cut.entries()) {
        await clients[at]!.subscribe(['orders.metrics'], { tags: { shop, team } });
      }
      const points = cut.map(([shop, team], value) => gauge('orders.metrics', { value, tags: { shop, team } }));
      await tenant.record('metrics', points);

      for (const [at, client] of clients.entries()) {
        expect((await client.settled()).map(({ value }) => value)).toEqual([at]);
        await client.close();
      }
    });

    it('are two to a filter of a token, in what is stored', async () => {
      await tenant.record(
        'metrics',
        gauge('orders.metrics', { tags: { shop: `${a}${separator}team${separator}${b}` } }),
      );
      await tenant.record('metrics', gauge('orders.metrics', { tags: { shop: `${a}","team":"${b}` } }));
      const latest = (filter: object) =>
        rest({ tenant_id: tenant.id, roles: ['viewer'], filter }).get('/channels/orders.metrics/latest');

      expect((await latest({ team: b })).status).toBe(404);
      expect((await latest({ shop: a })).status).toBe(404);
      expect((await latest({ shop: `${a}","team":"${b}` })).status).toBe(200);
    });

    it('are two uses, of a tool and a session', async () => {
      await tenant.record(
        'usage',
        cut.map(([tool_id, session_id], at) => usage({ tool_id, session_id, count: at + 1 })),
      );
      for (const [at, [tool, session]] of cut.entries()) {
        const query = new URLSearchParams({ tool_id: tool, session_id: session }).toString();
        const client = await tenant.watchTools(query);
        expect(await client.next({ type: 'metrics' })).toMatchObject({
          data: { embeddings: { mlx_metrics: { total_embeddings: at + 1 } } },
          tool_id: tool,
          session_id: session,
        });
        await client.close();
      }
    });

    it('are two decisions, of a strategy and a provider', async () => {
      await tenant.record(
        'decisions',
        cut.map(([strategy, provider], at) => decision({ strategy, provider, confidence: at })),
      );
      const { body } = await rest({ tenant_id: tenant.id }).get('/routing/metrics');

      expect(body).toMatchObject({
        strategy_performance: Object.fromEntries(
          cut.map(([strategy], at) => [strategy, { count: 1, avg_confidence: at }]),
        ),
        provider_usage: Object.fromEntries(cut.map(([, provider]) => [provider, 1])),
      });
    });

    it('are two ids of items, of one tenant or of two', async () => {
      const other = new TestTenant(app);
      const ids = [`${a}${separator}${b}`, a, `${a}${separator}`, `${other.id}${separator}${a}`];
      for (const of of [tenant, other]) {
        await of.record(
          'skills',
          ids.map((id) => run('lint', { id })),
        );
        await of.record(
          'executions',
          ids.map((id) => completion(id, { id })),
        );
        expect((await rest({ tenant_id: of.id }).get('/skills/lint')).body).toMatchObject({
          total_invocations: ids.length,
        });
      }
    });

    it('are two to revoke, of a subject and its tenant', async () => {
      const other = new TestTenant(app);
      const admin = rest({ tenant_id: tenant.id, roles: ['admin'] });
      const subjects = [a, `${tenant.id}${separator}${a}`, `*${separator}${a}`, `${other.id}${separator}${a}`];
      // Signed before: what is signed after it is not taken back.
      const clients = [tenant, other].flatMap(({ id }) =>
        subjects.map((sub) => rest({ tenant_id: id, sub, roles: ['viewer'] })),
      );
      expect(await admin.post('/admin/tokens/revoke', { sub: a })).toMatchObject({ status: 200 });

      const statuses = await Promise.all(clients.map(async (client) => (await client.get('/skills')).status));
      expect(statuses).toEqual([401, 200, 200, 200, 200, 200, 200, 200]);
    });
  });

  describe('that differ in nothing but', () => {
    it.each([
      ['their letters', 'Lint', 'lint'],
      ['a space', 'lint', 'lint '],
      ['how a letter is put together', 'é', 'e\u0301'],
      ['a letter that looks the same', 'lint', 'ⅼint'],
      ['a mark that nobody sees', 'lint', 'li\u200bnt'],
      ['a wildcard of SQL', 'lint', 'lin_'],
    ])('%s are two skills, and two tags', async (_what, one, other) => {
      await tenant.record('skills', [run(one), run(other), run(other)]);
      await tenant.record('metrics', gauge('orders.metrics', { tags: { shop: one } }));
      const reader = rest({ tenant_id: tenant.id, roles: ['viewer'], filter: { shop: other } });
      const { body } = await rest({ tenant_id: tenant.id }).get('/skills');

      expect(
        (body['items'] as Answer['body'][]).map((item) => [item['skill_name'], item['total_invocations']]),
      ).toEqual([
        [other, 2],
        [one, 1],
      ]);
      expect((await reader.get('/channels/orders.metrics/latest')).status).toBe(404);
    });

    it.each([
      ['their letters', 'Same', 'same'],
      ['a wildcard of SQL', 'sam_', 'same'],
      ['a point', 'sa.e', 'same'],
    ])('%s are two tenants', async (_what, one, other) => {
      const unique = `${++number}`;
      const [ours, theirs] = [rest({ tenant_id: `${one}${unique}` }), rest({ tenant_id: `${other}${unique}` })];
      await ours.post('/ingest/skills', run('lint'));
      await ours.patch(`/admin/tenants/${one}${unique}/settings`, { retention_days: 7 });

      expect((await theirs.get('/skills')).body['items']).toEqual([]);
      expect((await theirs.get(`/settings/${other}${unique}`)).body).toMatchObject({
        settings: { retention_days: null },
      });
      expect((await ours.get('/skills')).body['items']).toHaveLength(1);
    });
  });
});
