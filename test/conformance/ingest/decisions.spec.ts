import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, decision } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

describe('recording of decisions', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  /** What a client sees that connects now. */
  const state = async (of = tenant) => {
    const client = await WireClient.open(app.url(`/ws/routing?token=${of.token()}`, 'ws'));
    const first = await client.next();
    await client.close();
    return first;
  };
  const total = async (of = tenant) => (await state(of))['total_decisions'];

  it('takes one object, and a list', async () => {
    expect(await total()).toBe(0);
    const body = { accepted: 1, rejected: [] };
    expect(await tenant.record('decisions', decision())).toMatchObject({ status: 202, body });
    expect(await total()).toBe(1);
    expect(await tenant.record('decisions', [decision(), decision()])).toMatchObject({
      status: 202,
      body: { accepted: 2, rejected: [] },
    });
    expect(await total()).toBe(3);
  });

  it('judges each item by itself, and says where the bad ones are and why', async () => {
    const bad = [decision({ confidence: 1.1 }), 7, decision({ cost: -1 }), decision({ provider: '' })];
    const answer = await tenant.record('decisions', [decision(), ...bad, decision({ id: 9 })]);

    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      accepted: 1,
      rejected: [
        { index: 1, field: 'confidence', message: 'must be a finite number from 0 to 1' },
        { index: 2, field: '', message: 'must be an object' },
        { index: 3, field: 'cost', message: 'must be a finite number from 0 to 1000000000' },
        { index: 4, field: 'provider', message: 'must be a printable text of 1 to 200 characters' },
        { index: 5, field: 'id', message: 'must be a printable text of 1 to 200 characters' },
      ],
    });
    expect(await total()).toBe(1);
  });

  it('answers 400 where no item is good', async () => {
    expect(await tenant.record('decisions', [decision({ strategy: undefined }), null])).toMatchObject({
      status: 400,
      body: { errors: [{ field: '0.strategy' }, { field: '1', message: 'must be an object' }] },
    });
    expect(await total()).toBe(0);
  });

  it.each([
    { field: 'strategy', of: { strategy: undefined } },
    { field: 'strategy', of: { strategy: 7 } },
    { field: 'strategy', of: { strategy: 'x'.repeat(201) } },
    { field: 'strategy', of: { strategy: 'a\nb' } },
    { field: 'strategy', of: { strategy: '__proto__' } },
    { field: 'provider', of: { provider: '__proto__' } },
    { field: 'provider', of: { provider: undefined } },
    { field: 'provider', of: { provider: '\ud800' } },
    { field: 'model', of: { model: 7 } },
    { field: 'model', of: { model: '' } },
    { field: 'confidence', of: { confidence: undefined } },
    { field: 'confidence', of: { confidence: null } },
    { field: 'confidence', of: { confidence: '0.5' } },
    { field: 'confidence', of: { confidence: -0.001 } },
    { field: 'cost', of: { cost: undefined } },
    { field: 'cost', of: { cost: null } },
    { field: 'cost', of: { cost: '1' } },
    { field: 'cost', of: { cost: 1e9 + 1 } },
    { field: 'timestamp', of: { timestamp: 'soon' } },
    { field: 'id', of: { id: '' } },
  ])('rejects one for its $field: $of', async ({ field, of }) => {
    const answer = await tenant.record('decisions', [decision(), decision(of)]);

    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [{ index: 1, field }] } });
  });

  it.each([{ confidence: 0 }, { confidence: 1 }, { cost: 0 }, { cost: 1e9 }, { model: 'flash' }, { model: null }])(
    'takes one with %j',
    async (of) => {
      expect(await tenant.record('decisions', decision(of))).toMatchObject({ status: 202, body: { accepted: 1 } });
    },
  );

  it.each(['1e999', '-1e999'])('rejects the number %s, which is none', async (number) => {
    const body = `{"strategy":"hybrid","provider":"gemini","confidence":0.5,"cost":${number}}`;

    expect(await tenant.record('decisions', body)).toMatchObject({
      status: 400,
      body: { errors: [{ field: '0.cost' }] },
    });
  });

  it.each(['constructor', 'toString'])('keeps the name %s, as any other', async (name) => {
    await tenant.record('decisions', decision({ strategy: name, provider: name, confidence: 1, cost: 0.5 }));

    const { total_decisions, strategy_performance, provider_usage } = await state();
    expect(total_decisions).toBe(1);
    expect(Object.entries(provider_usage as object)).toEqual([[name, 1]]);
    const performance = { count: 1, avg_cost: 0.5, avg_confidence: 1 };
    expect(Object.entries(strategy_performance as object)).toEqual([[name, performance]]);
  });

  it('accepts a repeat of an id, and does not count it', async () => {
    const decisions = [decision({ id: 'a' }), decision({ id: 'a' }), decision({ id: 'b' })];
    for (let time = 0; time < 2; time++) {
      expect(await tenant.record('decisions', decisions)).toMatchObject({ status: 202, body: { accepted: 3 } });
    }

    expect(await total()).toBe(2);
  });

  it('counts for the tenant of the token, whatever the body says', async () => {
    const other = new TestTenant(app);
    await tenant.record('decisions', decision({ tenant_id: other.id, workspace_id: other.id }));

    expect(await total()).toBe(1);
    expect(await total(other)).toBe(0);
  });

  it('needs the role ingest', async () => {
    const token = tenant.token({ roles: ['viewer'] });

    expect(await tenant.record('decisions', decision(), token)).toMatchObject({ status: 403 });
    expect(await total()).toBe(0);
  });
});
