import { hostname } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { NOT_FOUND, RestReader } from '../../support/rest-reader.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const DECISION = { strategy: 'hybrid', provider: 'gemini', confidence: 0.9, cost: 0.002 };
const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

describe.each<Platform>(['express', 'fastify'])('GET /routing/metrics on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let reader: RestReader;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    reader = new RestReader(app, tenant);
  });

  it('is the object that a client of the routing dialect is sent', async () => {
    await tenant.record('decisions', [DECISION, { ...DECISION, provider: 'claude', confidence: 0.5, cost: 0.001 }]);
    const client = await WireClient.open(app.url(`/ws/routing?token=${tenant.token()}`, 'ws'));
    const sent = await client.next();
    const answer = await reader.get('/routing/metrics');

    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(sent);
    expect(answer.body).toEqual({
      total_decisions: 2,
      avg_confidence: 0.7,
      strategy_performance: { hybrid: { count: 2, avg_cost: 0.0015, avg_confidence: 0.7 } },
      confidence_distribution: { high: 1, medium: 1, low: 0 },
      provider_usage: { gemini: 1, claude: 1 },
      timestamp: ISO,
    });
    await client.close();
  });

  it('shows a decision as soon as it is recorded, and none of another tenant', async () => {
    await new TestTenant(app).record('decisions', DECISION);
    expect((await reader.get('/routing/metrics')).body).toMatchObject({ total_decisions: 0, avg_confidence: null });

    await tenant.record('decisions', DECISION);
    expect((await reader.get('/routing/metrics')).body).toMatchObject({ total_decisions: 1 });
  });

  it('is for a token with a filter what its subscriptions would show: nothing, where the states have other tags', async () => {
    const of = (filter: object) => new RestReader(app, tenant, { filter }).get('/routing/metrics');

    expect(await of({ host: hostname() })).toMatchObject({ status: 200 });
    expect(await of({ host: 'elsewhere' })).toMatchObject(NOT_FOUND);
  });
});
