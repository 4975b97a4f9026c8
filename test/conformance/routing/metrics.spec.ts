import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, decision } from '../../support/test-tenant.js';
import { WireClient, type WireMessage } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const WEEK = 7 * 24 * 3600;

const NOTHING_YET = {
  total_decisions: 0,
  avg_confidence: null,
  strategy_performance: {},
  confidence_distribution: { high: 0, medium: 0, low: 0 },
  provider_usage: {},
};

describe('the metrics of the routing dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    // What is shown here comes at once: the next tick is far away.
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 3600 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  /** The first message that a client is sent, but for its time. */
  const shown = async (of = tenant, token = of.token()): Promise<WireMessage> => {
    const client = await of.watchRouting(token);
    const { timestamp, ...metrics } = await client.next();
    await client.close();
    expect(timestamp).toEqual(ISO);
    return metrics;
  };

  it('come first, at once and without a greeting, as a bare object, to the field', async () => {
    await tenant.record('decisions', [
      decision({ strategy: 'hybrid', provider: 'gemini', confidence: 0.9, cost: 0.002, model: 'flash' }),
      decision({ strategy: 'hybrid', provider: 'claude', confidence: 0.6, cost: 0.001 }),
      decision({ strategy: 'complexity', provider: 'gemini', confidence: 0.3, cost: 0 }),
    ]);
    const before = Date.now();
    const client = await tenant.watchRouting();
    const metrics = await client.next();

    expect(metrics).toEqual({
      total_decisions: 3,
      avg_confidence: 0.6,
      strategy_performance: {
        hybrid: { count: 2, avg_cost: 0.0015, avg_confidence: 0.75 },
        complexity: { count: 1, avg_cost: 0, avg_confidence: 0.3 },
      },
      confidence_distribution: { high: 1, medium: 1, low: 1 },
      provider_usage: { gemini: 2, claude: 1 },
      timestamp: ISO,
    });
    expect(Date.parse(metrics['timestamp'] as string)).toBeGreaterThanOrEqual(before);
    await client.close();
  });

  it('need no token in open mode', async () => {
    const open = await TestApp.start();
    const client = await WireClient.open(open.url('/ws/routing', 'ws'));

    expect(await client.next()).toEqual({ ...NOTHING_YET, timestamp: ISO });
    await client.close();
    await open.close();
  });

  it('are there where nothing was decided yet, and averages of nothing are null', async () => {
    expect(await shown()).toEqual(NOTHING_YET);
  });

  it.each([
    { confidence: 1, band: 'high' },
    { confidence: 0.8, band: 'high' },
    { confidence: 0.799_999, band: 'medium' },
    { confidence: 0.5, band: 'medium' },
    { confidence: 0.499_999, band: 'low' },
    { confidence: 0, band: 'low' },
  ])('count a confidence of $confidence as $band', async ({ confidence, band }) => {
    await tenant.record('decisions', decision({ confidence }));

    expect((await shown())['confidence_distribution']).toEqual({ high: 0, medium: 0, low: 0, [band]: 1 });
  });

  it('give averages with 6 decimals', async () => {
    await tenant.record('decisions', [
      decision({ cost: 0.000_001, confidence: 0.1 }),
      decision({ cost: 0.000_001, confidence: 0.1 }),
      decision({ cost: 0.000_003, confidence: 0.2 }),
    ]);

    expect(await shown()).toMatchObject({
      avg_confidence: 0.133333,
      strategy_performance: { hybrid: { count: 3, avg_cost: 0.000_002, avg_confidence: 0.133333 } },
    });
  });

  it('name strategies and providers as they were recorded, whatever the name', async () => {
    const names = ['Größe "ändern"', 'toString', 'constructor', 'a'.repeat(200), '7'];
    await tenant.record(
      'decisions',
      names.map((name) => decision({ strategy: name, provider: name })),
    );
    const { strategy_performance, provider_usage } = await shown();

    expect(Object.keys(strategy_performance as object).sort()).toEqual([...names].sort());
    expect(Object.keys(provider_usage as object).sort()).toEqual([...names].sort());
  });

  it('are of the last 7 days', async () => {
    const ago = (seconds: number) => Date.now() / 1000 - seconds;
    await tenant.record('decisions', [
      decision({ strategy: 'now', timestamp: ago(0) }),
      decision({ strategy: 'yesterday', timestamp: ago(24 * 3600) }),
      decision({ strategy: 'just within', timestamp: ago(WEEK - 60) }),
      // The window begins with a whole minute.
      decision({ strategy: 'just out', timestamp: ago(WEEK + 120) }),
      decision({ strategy: 'long ago', timestamp: '2020-02-29T12:00:00Z' }),
    ]);
    const { total_decisions, strategy_performance } = await shown();

    expect(total_decisions).toBe(3);
    expect(Object.keys(strategy_performance as object).sort()).toEqual(['just within', 'now', 'yesterday']);
  });

  it('show what was accepted before they were asked for, again and again', async () => {
    // While somebody watches, what was shown is kept.
    const watcher = await tenant.watchRouting();
    await watcher.next();
    for (let count = 1; count <= 5; count++) {
      await tenant.record('decisions', decision());
      expect(await shown()).toMatchObject({ total_decisions: count });
    }
    await watcher.close();
  });

  it('count a decision with an id once', async () => {
    for (let time = 0; time < 2; time++) await tenant.record('decisions', decision({ id: 'one' }));

    expect(await shown()).toMatchObject({ total_decisions: 1, provider_usage: { gemini: 1 } });
  });

  it('are those of the tenant alone', async () => {
    await new TestTenant(app).record('decisions', decision());

    expect(await shown()).toEqual(NOTHING_YET);
  });

  it('are the same object as GET /routing/metrics', async () => {
    await tenant.record('decisions', [decision(), decision({ confidence: 0.9 })]);
    const client = await tenant.watchRouting();
    const metrics = await client.next();
    const headers = { authorization: `Bearer ${tenant.token()}` };

    // Read from the cache: the very one.
    expect(await (await fetch(app.url('/routing/metrics'), { headers })).json()).toEqual(metrics);
    await client.close();
  });
});
