import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TOOLS_SECTIONS } from '../../../src/feeds/tools/tools.feed.js';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant } from '../../support/test-tenant.js';
import type { WireClient } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

describe('the tools dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: WireClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watchTools();
    await client.next({ type: 'metrics' });
    return () => client.close();
  });

  it('answers a ping with pong and nothing else', async () => {
    client.send({ type: 'ping' });

    expect(await client.next({ type: 'pong' })).toEqual({ type: 'pong' });
  });

  it.each([
    { frame: '{"type":"subscribe"', error: 'Invalid message: not a JSON object' },
    { frame: '', error: 'Invalid message: not a JSON object' },
    { frame: '"ping"', error: 'Invalid message: not a JSON object' },
    { frame: '[{"type":"ping"}]', error: 'Invalid message: not a JSON object' },
    { frame: 'null', error: 'Invalid message: not a JSON object' },
    { frame: '{"type":"unsubscribe"}', error: 'Unknown message type' },
    { frame: '{"type":"metrics"}', error: 'Unknown message type' },
    { frame: '{"type":["ping"]}', error: 'Unknown message type' },
    { frame: '{"tool_id":"cursor"}', error: 'Unknown message type' },
    { frame: '{}', error: 'Unknown message type' },
  ])('answers $frame with an error, and the metrics go on', async ({ frame, error }) => {
    client.sendRaw(frame);

    expect(await client.next({ type: 'error' })).toEqual({ type: 'error', error, timestamp: ISO });
    for (let update = 0; update < 2; update++) expect(await client.next()).toMatchObject({ type: 'metrics' });
  });

  it('answers commands in their order', async () => {
    client.send({ type: 'ping' });
    client.send({ type: 'nonsense' });
    client.send({ type: 'ping' });
    const types: unknown[] = [];
    while (types.length < 3) {
      const { type } = await client.next();
      if (type !== 'metrics') types.push(type);
    }

    expect(types).toEqual(['pong', 'error', 'pong']);
  });

  it('tells of metrics that cannot be collected by an error, and recovers', async () => {
    // No section that fails does this. One that gives what JSON cannot say stands for whatever else may go wrong.
    const sections = app.app.get<object[]>(TOOLS_SECTIONS, { strict: false });
    const failed = { type: 'error', error: 'Failed to fetch metrics', timestamp: ISO };
    sections.push({ name: 'workflows', unknown: {}, read: async () => ({ count: 1n }) });
    try {
      expect(await client.next({ type: 'error' })).toEqual(failed);
      // Again with the next tick, to who comes now, and to who asks for something else.
      expect(await client.next({ type: 'error' })).toEqual(failed);
      const late = await tenant.watchTools();
      await late.next({ type: 'connected' });
      expect(await late.next()).toEqual(failed);
      late.send({ type: 'subscribe', tool_id: 'cursor' });
      expect(await late.next()).toEqual(failed);
      await late.close();
    } finally {
      sections.pop();
    }

    expect(await client.next({ type: 'metrics' })).toHaveProperty(['data', 'embeddings']);
  });
});
