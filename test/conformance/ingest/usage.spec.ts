import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, usage } from '../../support/test-tenant.js';

describe('recording of usage', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  /** What a client sees that subscribes now. */
  const state = async (of = tenant) => {
    const client = await of.watch();
    await client.subscribe(['tools.metrics']);
    const first = await client.nextOf('tools.metrics');
    await client.close();
    return first;
  };
  const total = async (of = tenant) =>
    ((await state(of))['embeddings'] as { mlx_metrics: { total_embeddings: number } }).mlx_metrics.total_embeddings;

  it('takes one object, and a list', async () => {
    expect(await total()).toBe(0);
    expect(await tenant.record('usage', usage())).toMatchObject({ status: 202, body: { accepted: 1, rejected: [] } });
    expect(await total()).toBe(1);
    expect(await tenant.record('usage', [usage({ count: 5 }), usage()])).toMatchObject({
      status: 202,
      body: { accepted: 2, rejected: [] },
    });
    expect(await total()).toBe(7);
  });

  it('judges each item by itself, and says where the bad ones are and why', async () => {
    const bad = [usage({ kind: 'chat' }), 7, usage({ count: 1.5 }), usage({ tool_id: '' }), usage({ id: 9 })];
    const answer = await tenant.record('usage', [usage(), ...bad]);

    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      accepted: 1,
      rejected: [
        { index: 1, field: 'kind', message: 'must be one of embedding, compression, response_cache' },
        { index: 2, field: '', message: 'must be an object' },
        { index: 3, field: 'count', message: 'must be a whole number from 0 to 1000000000000' },
        { index: 4, field: 'tool_id', message: 'must be a printable text of 1 to 200 characters' },
        { index: 5, field: 'id', message: 'must be a printable text of 1 to 200 characters' },
      ],
    });
    expect(await total()).toBe(1);
  });

  it('answers 400 where no item is good', async () => {
    expect(await tenant.record('usage', [usage({ kind: undefined }), null])).toMatchObject({
      status: 400,
      body: { errors: [{ field: '0.kind' }, { field: '1', message: 'must be an object' }] },
    });
    expect(await total()).toBe(0);
  });

  const counters = ['count', 'cache_hits', 'original_tokens', 'compressed_tokens', 'tokens_saved', 'hits', 'misses'];

  describe.each(counters)('with %s', (field) => {
    it.each([-1, 0.5, 1e12 + 1, '5', true, {}, []])('rejects %j', async (value) => {
      const answer = await tenant.record('usage', [usage(), usage({ [field]: value })]);

      expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [{ index: 1, field }] } });
    });

    it('rejects 1e999, which is no number', async () => {
      const body = `{"tool_id":"t","kind":"embedding","${field}":1e999}`;

      expect(await tenant.record('usage', body)).toMatchObject({
        status: 400,
        body: { errors: [{ field: `0.${field}` }] },
      });
    });

    it.each([0, 1e12, null])('takes %j', async (value) => {
      expect(await tenant.record('usage', usage({ [field]: value }))).toMatchObject({ body: { accepted: 1 } });
    });
  });

  it.each([
    { field: 'tool_id', of: { tool_id: undefined } },
    { field: 'tool_id', of: { tool_id: null } },
    { field: 'tool_id', of: { tool_id: 7 } },
    { field: 'tool_id', of: { tool_id: 'x'.repeat(201) } },
    { field: 'tool_id', of: { tool_id: 'a\nb' } },
    { field: 'session_id', of: { session_id: '' } },
    { field: 'session_id', of: { session_id: 7 } },
    { field: 'session_id', of: { session_id: '\ud800' } },
    { field: 'kind', of: { kind: null } },
    { field: 'kind', of: { kind: 'toString' } },
    { field: 'timestamp', of: { timestamp: 'soon' } },
    { field: 'timestamp', of: { timestamp: Date.now() / 1000 + 600 } },
    { field: 'id', of: { id: '' } },
  ])('rejects one for its $field: $of', async ({ field, of }) => {
    const answer = await tenant.record('usage', [usage(), usage(of)]);

    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [{ index: 1, field }] } });
  });

  it.each(['__proto__', 'constructor', 'toString', "'; DROP TABLE metricast_tool_total; --"])(
    'keeps the name %s, as any other',
    async (name) => {
      await tenant.record('usage', usage({ tool_id: name, session_id: name, count: 3 }));
      const client = await tenant.watch();
      await client.subscribe(['tools.metrics'], { tags: { tool_id: name, session_id: name } });

      expect(await client.nextOf('tools.metrics')).toMatchObject({
        embeddings: { mlx_metrics: { total_embeddings: 3 } },
      });
      await client.close();
    },
  );

  it('accepts a repeat of an id, and does not count it', async () => {
    const items = [usage({ id: 'a' }), usage({ id: 'a' }), usage({ id: 'b' })];
    for (let time = 0; time < 2; time++) {
      expect(await tenant.record('usage', items)).toMatchObject({ status: 202, body: { accepted: 3 } });
    }

    expect(await total()).toBe(2);
  });

  it('counts for the tenant of the token, whatever the body says', async () => {
    const other = new TestTenant(app);
    await tenant.record('usage', usage({ tenant_id: other.id, workspace_id: other.id }));

    expect(await total()).toBe(1);
    expect(await total(other)).toBe(0);
  });

  it('needs the role ingest', async () => {
    const token = tenant.token({ roles: ['viewer'] });

    expect(await tenant.record('usage', usage(), token)).toMatchObject({ status: 403 });
    expect(await total()).toBe(0);
  });
});
