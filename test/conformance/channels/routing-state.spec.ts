import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { ENCODINGS } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const TAGS = { host: hostname(), instance: expect.stringMatching(/.+/) as string };

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET } });
});
afterAll(() => app.close());

// The state comes every 5 seconds, so the tests wait for it together.
describe.concurrent.each(ENCODINGS)('routing.metrics over %s', (encoding) => {
  const decisions = [
    { strategy: 'hybrid', provider: 'gemini', confidence: 0.9, cost: 0.002 },
    { strategy: 'hybrid', provider: 'claude', confidence: 0.6, cost: 0.001 },
    { strategy: 'complexity', provider: 'gemini', confidence: 0.3, cost: 0 },
  ];

  /** The first messages that a client of the tenant is sent. */
  const first = async (tenant: TestTenant, count: number, options: WireMessage = {}) => {
    const client = await tenant.watch(encoding);
    await client.subscribe(['routing.metrics'], options);
    const messages: WireMessage[] = [];
    while (messages.length < count) messages.push(await client.nextOf('routing.metrics'));
    await client.close();
    return messages;
  };

  it('shows the decisions of the last 7 days, in one message', async () => {
    const tenant = new TestTenant(app);
    const old = { ...decisions[0]!, timestamp: Date.now() / 1000 - 7 * 86_400 - 60 };
    await tenant.record('decisions', [...decisions, old]);

    expect(await first(tenant, 1)).toEqual([
      {
        channel: 'routing.metrics',
        timestamp: ISO,
        tags: TAGS,
        total_decisions: 3,
        avg_confidence: 0.6,
        strategy_performance: {
          hybrid: { count: 2, avg_cost: 0.0015, avg_confidence: 0.75 },
          complexity: { count: 1, avg_cost: 0, avg_confidence: 0.3 },
        },
        confidence_distribution: { high: 1, medium: 1, low: 1 },
        provider_usage: { gemini: 2, claude: 1 },
        offset: 1,
      },
    ]);
  });

  it('is there where this tenant never decided anything, and another did', async () => {
    await new TestTenant(app).record('decisions', decisions);

    expect(await first(new TestTenant(app), 1)).toMatchObject([
      {
        total_decisions: 0,
        avg_confidence: null,
        strategy_performance: {},
        confidence_distribution: { high: 0, medium: 0, low: 0 },
        provider_usage: {},
      },
    ]);
  });

  it('comes as a message for each figure where points are asked for', async () => {
    const tenant = new TestTenant(app);
    await tenant.record('decisions', decisions);

    const of = (tags: Record<string, string>) => ({
      channel: 'routing.metrics',
      type: 'gauge',
      timestamp: ISO,
      tags: { ...TAGS, ...tags },
      offset: 1,
    });
    expect(await first(tenant, 8, { format: 'points' })).toEqual([
      { ...of({}), name: 'decisions.total', value: 3 },
      { ...of({}), name: 'confidence.avg', value: 0.6 },
      { ...of({ strategy: 'hybrid' }), name: 'strategy.count', value: 2 },
      { ...of({ strategy: 'hybrid' }), name: 'strategy.cost.avg', value: 0.0015 },
      { ...of({ strategy: 'complexity' }), name: 'strategy.count', value: 1 },
      { ...of({ strategy: 'complexity' }), name: 'strategy.cost.avg', value: 0 },
      { ...of({ provider: 'gemini' }), name: 'provider.count', value: 2 },
      { ...of({ provider: 'claude' }), name: 'provider.count', value: 1 },
    ]);
  });
});
