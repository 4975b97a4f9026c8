import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, usage } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

const GREETING = {
  type: 'connected',
  message: 'WebSocket connection established',
  interval: 0.1,
  tool_id: null,
  session_id: null,
};

describe('connecting to the tools dialect', () => {
  let app: TestApp;
  let rare: TestApp;
  let open: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    rare = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 3600 });
    open = await TestApp.start({ updateInterval: 2.5 });
  });
  afterAll(() => Promise.all([app.close(), rare.close(), open.close()]));

  it('is greeted with the interval, to the field', async () => {
    const client = await new TestTenant(app).watchTools();

    expect(await client.next()).toEqual(GREETING);
    await client.close();
  });

  it.each([
    { query: 'tool_id=claude-code', narrowing: { tool_id: 'claude-code' } },
    { query: 'session_id=s%201', narrowing: { session_id: 's 1' } },
    { query: 'tool_id=gr%C3%B6%C3%9Fe&session_id=s', narrowing: { tool_id: 'größe', session_id: 's' } },
    { query: 'tool_id=&session_id=', narrowing: {} },
  ])('by $query is greeted with what that narrows to', async ({ query, narrowing }) => {
    const client = await new TestTenant(app).watchTools(query);

    expect(await client.next()).toEqual({ ...GREETING, ...narrowing });
    await client.close();
  });

  it('needs no token in open mode', async () => {
    const client = await WireClient.open(open.url('/ws/tools', 'ws'));

    expect(await client.next()).toEqual({ ...GREETING, interval: 2.5 });
    expect(await client.next()).toMatchObject({ type: 'metrics' });
    await client.close();
  });

  it('brings the metrics at once, long before the next tick', async () => {
    const tenant = new TestTenant(rare);
    await tenant.record('usage', usage({ count: 3 }));
    const client = await tenant.watchTools();

    expect(await client.next()).toMatchObject({ type: 'connected', interval: 3600 });
    expect(await client.next()).toMatchObject({
      type: 'metrics',
      data: { embeddings: { mlx_metrics: { total_embeddings: 3 } } },
    });
    await client.close();
  });

  it('brings the metrics each interval from then on', async () => {
    const client = await new TestTenant(app).watchTools();
    await client.next({ type: 'connected' });
    // The first may be shown twice, to who comes while a tick collects it.
    const times = new Set<number>();
    while (times.size < 4) times.add(Date.parse((await client.next())['timestamp'] as string));

    expect([...times]).toEqual([...times].sort((one, next) => one - next));
    await client.close();
  });

  it('with what can be no id is told so after the greeting, and may ask again', async () => {
    const tenant = new TestTenant(app);
    const client = await tenant.watchTools('tool_id=a%0Ab');

    expect(await client.next()).toEqual(GREETING);
    expect(await client.next()).toEqual({
      type: 'error',
      error: 'Subscription error: tool_id must be a printable text of at most 200 characters, or null',
      timestamp: ISO,
    });
    client.send({ type: 'subscribe', tool_id: 'claude-code' });
    expect(await client.next()).toMatchObject({ type: 'metrics', tool_id: 'claude-code' });
    await client.close();
  });

  it('by one who may not read brings an error instead of metrics', async () => {
    const tenant = new TestTenant(app);
    const reader = await tenant.watchTools();
    const writer = await tenant.watchTools('', tenant.token({ roles: ['ingest'] }));

    expect(await writer.next()).toEqual(GREETING);
    const refused = { type: 'error', error: 'Not allowed: needs the role viewer', timestamp: ISO };
    expect(await writer.next()).toEqual(refused);
    for (let update = 0; update < 3; update++) await reader.next({ type: 'metrics' });
    writer.send({ type: 'subscribe' });
    writer.send({ type: 'ping' });
    expect(await writer.next()).toEqual(refused);
    expect(await writer.next()).toEqual({ type: 'pong' });
    await Promise.all([reader.close(), writer.close()]);
  });
});
