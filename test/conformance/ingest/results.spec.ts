import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

describe('recording', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const kinds = [
    { kind: 'skills', item: run('lint') },
    { kind: 'metrics', item: gauge('orders.metrics') },
  ] as const;

  it("takes nobody's word for the figures of this service", async () => {
    expect(await tenant.record('metrics', gauge('gateway.metrics'))).toMatchObject({
      status: 400,
      body: { errors: [{ field: '0.channel', message: "must not be gateway.metrics, this service's own" }] },
    });
  });

  describe.each(kinds)('of $kind', ({ kind, item }) => {
    it('takes one object', async () => {
      const answer = await tenant.record(kind, item);

      expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [] } });
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    });

    it('takes a list', async () => {
      expect(await tenant.record(kind, [item, item, item])).toMatchObject({ status: 202, body: { accepted: 3 } });
    });

    it('takes an empty list for what it is', async () => {
      expect(await tenant.record(kind, [])).toMatchObject({ status: 202, body: { accepted: 0, rejected: [] } });
    });

    it('judges each item by itself, and says where the bad ones are and why', async () => {
      const answer = await tenant.record(kind, [item, { ...item, timestamp: 'soon' }, 7, item, { ...item, id: 9 }]);

      expect(answer.status).toBe(202);
      expect(answer.body).toEqual({
        accepted: 2,
        rejected: [
          { index: 1, field: 'timestamp', message: 'must be an ISO-8601 time or Unix seconds' },
          { index: 2, field: '', message: 'must be an object' },
          { index: 4, field: 'id', message: 'must be a printable text of 1 to 200 characters' },
        ],
      });
    });

    it('answers 400 where no item is good, and says why', async () => {
      const answer = await tenant.record(kind, [{ ...item, timestamp: 'soon' }, null]);

      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({
        statusCode: 400,
        code: 'bad_request',
        message: 'Invalid request: no item is valid',
        errors: [
          { field: '0.timestamp', message: 'must be an ISO-8601 time or Unix seconds' },
          { field: '1', message: 'must be an object' },
        ],
      });
    });

    it('passes over fields that it does not know, a tenant among them', async () => {
      const others = { tenant_id: 'other', tenant: 'other', workspace_id: 'other', colour: 'red' };

      expect(await tenant.record(kind, { ...item, ...others })).toMatchObject({ status: 202, body: { accepted: 1 } });
    });
  });

  it.each([
    { field: 'skill_name', of: { skill_name: undefined } },
    { field: 'skill_name', of: { skill_name: '' } },
    { field: 'skill_name', of: { skill_name: 7 } },
    { field: 'skill_name', of: { skill_name: 'x'.repeat(201) } },
    { field: 'skill_name', of: { skill_name: 'a\u0000b' } },
    { field: 'skill_name', of: { skill_name: '\ud800' } },
    { field: 'completed', of: { completed: undefined } },
    { field: 'completed', of: { completed: 'true' } },
    { field: 'completed', of: { completed: 1 } },
    { field: 'completed', of: { completed: null } },
    { field: 'duration_seconds', of: { duration_seconds: -1 } },
    { field: 'duration_seconds', of: { duration_seconds: '5' } },
    { field: 'session_id', of: { session_id: 7 } },
    { field: 'tool_id', of: { tool_id: {} } },
    { field: 'error_type', of: { error_type: [] } },
  ])('rejects a run for its $field: $of', async ({ field, of }) => {
    const answer = await tenant.record('skills', [run('good'), run('lint', of)]);

    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [{ index: 1, field }] } });
  });

  it.each([
    { field: 'channel', of: { channel: undefined } },
    { field: 'channel', of: { channel: 'orders' } },
    { field: 'channel', of: { channel: 'Orders.metrics' } },
    { field: 'channel', of: { channel: 'orders.events' } },
    { field: 'channel', of: { channel: `${'a'.repeat(121)}.metrics` } },
    { field: 'name', of: { name: undefined } },
    { field: 'name', of: { name: '' } },
    { field: 'type', of: { type: undefined } },
    { field: 'type', of: { type: 'summary' } },
    { field: 'type', of: { type: 'toString' } },
    { field: 'value', of: { value: undefined } },
    { field: 'value', of: { value: null } },
    { field: 'value', of: { value: '7' } },
    { field: 'tags', of: { tags: ['a'] } },
    { field: 'tags', of: { tags: { shop: 7 } } },
    { field: 'tags', of: { tags: { shop: ['north'] } } },
    { field: 'tags', of: { tags: { constructor: 'x' } } },
    { field: 'tags', of: { tags: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`tag${at}`, 'x'])) } },
  ])('rejects a value for its $field: $of', async ({ field, of }) => {
    const answer = await tenant.record('metrics', [gauge('good.metrics'), gauge('orders.metrics', of)]);

    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [{ index: 1, field }] } });
  });

  it.each(['1e999', '-1e999'])('rejects the number %s, which is none', async (number) => {
    const value = `{"channel":"orders.metrics","name":"level","type":"gauge","value":${number}}`;
    const skill = `{"skill_name":"lint","completed":true,"duration_seconds":${number}}`;

    expect(await tenant.record('metrics', value)).toMatchObject({
      status: 400,
      body: { errors: [{ field: '0.value' }] },
    });
    expect(await tenant.record('skills', skill)).toMatchObject({
      status: 400,
      body: { errors: [{ field: '0.duration_seconds' }] },
    });
  });

  it('takes what is absent or null of a run for unknown', async () => {
    const unknown = {
      duration_seconds: null,
      session_id: null,
      tool_id: null,
      error_type: null,
      timestamp: null,
      id: null,
    };

    expect(await tenant.record('skills', run('lint', unknown))).toMatchObject({ status: 202, body: { accepted: 1 } });
  });

  it('of runs answers when a subscriber will see them at its next tick', async () => {
    const skills = await tenant.watchSkills();
    await tenant.record('skills', [run('lint', { duration_seconds: 1.5 }), { skill_name: 'bad' }]);
    // One that was under way while the run was stored may have missed it; none after that.
    await skills.next({ type: 'metrics_update' });

    const [, second] = [await skills.next({ type: 'metrics_update' }), await skills.next({ type: 'metrics_update' })];

    expect(second).toMatchObject({ data: { top_skills: [{ skill_name: 'lint', total_invocations: 1 }] } });
    await skills.close();
  });

  it('of values creates their channel, which can be subscribed to from then on', async () => {
    const client = await tenant.watch();
    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ code: 'unknown_channel' });
    await tenant.record('metrics', gauge('orders.metrics'));

    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ channels: ['orders.metrics'] });
    await client.close();
  });

  it('of nothing good creates no channel', async () => {
    await tenant.record('metrics', gauge('orders.metrics', { value: null }));
    const client = await tenant.watch();

    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ code: 'unknown_channel' });
    await client.close();
  });
});
