import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import type { ChannelsClient } from '../../support/channels-client.js';
import { changeSettings } from '../../support/settings.js';
import { TestTenant, run, usage } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const SYSTEM = 'system.metrics';

describe('the history of collected states', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, tags: { env: 'test' } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch();
    return () => client.close();
  });

  const historyOf = async (channel: string, data: WireMessage = {}) => {
    const start_time = new Date(Date.now() - 60_000).toISOString();
    const answer = await client.ask({ type: 'get_history', data: { channel, start_time, ...data } });
    return answer['metrics'] as WireMessage[];
  };
  /** It is written behind the tick that shows it. */
  const writtenHistoryOf = (channel: string, data?: WireMessage) =>
    vi.waitFor(
      async () => {
        const metrics = await historyOf(channel, data);
        expect(metrics).not.toEqual([]);
        return metrics;
      },
      { timeout: 10_000 },
    );

  it('holds the points of what somebody watched, with the tags of the state', async () => {
    await client.subscribe([SYSTEM]);
    const state = await client.nextOf(SYSTEM);
    const kept = await writtenHistoryOf(SYSTEM);

    const { timestamp, tags, cpu } = state as { timestamp: string; tags: object; cpu: { percent: number } };
    expect(tags).toMatchObject({ env: 'test' });
    expect(kept.find(({ name }) => name === 'cpu.percent')).toEqual({
      ...{ channel: SYSTEM, name: 'cpu.percent', type: 'gauge', value: cpu.percent },
      ...{ timestamp, tags },
    });
    expect(kept.map(({ name }) => name)).toContain('network.bytes_sent');
    expect(await historyOf(SYSTEM, { tags: { env: 'other' } })).toEqual([]);
  });

  it('has at first no increase of a counter that had grown before', async () => {
    await client.subscribe([SYSTEM]);
    const filter = { name: 'network.bytes_recv', aggregation_interval: '1h' };
    const [window] = await writtenHistoryOf(SYSTEM, { ...filter, start_time: 0 });

    expect(window).toMatchObject({ type: 'counter', value: 0, count: 1 });
  });

  it('is made on batch_only as well, where nothing is pushed', async () => {
    await changeSettings(app, tenant, { performance_profile: 'batch_only', collection_interval_seconds: 0.2 });
    await tenant.record('skills', run('pytest-run'));
    await client.subscribe(['skills.metrics']);
    const tags = { skill_name: 'pytest-run' };
    const [invocations] = await writtenHistoryOf('skills.metrics', { name: 'skill.invocations', tags });

    expect(invocations).toMatchObject({ type: 'counter', value: 1, tags });
    expect((await client.settled()).filter(({ channel }) => channel === 'skills.metrics')).toEqual([]);
  });

  it('is not made where nothing is collected, and not of what nobody watches', async () => {
    await changeSettings(app, tenant, { performance_profile: 'disabled' });
    await client.subscribe([SYSTEM]);
    const other = new TestTenant(app);
    const watcher = await other.watch();
    await watcher.subscribe(['skills.metrics']);
    for (let tick = 0; tick < 2; tick++) await watcher.nextOf('skills.metrics');

    expect(await historyOf(SYSTEM)).toEqual([]);
    const data = { channel: SYSTEM, start_time: 0 };
    expect(await watcher.ask({ type: 'get_history', data })).toMatchObject({ metrics: [] });
    await watcher.close();
  });

  it('leaves out what only sums up what is recorded in the channel, which would be summed up with it', async () => {
    await changeSettings(app, tenant, { collection_interval_seconds: 0.1 });
    const channel = 'distributed.metrics';
    await tenant.record('metrics', { channel, name: 'tasks.pending', type: 'gauge', value: 3 });
    await client.subscribe([channel]);
    const kept = await writtenHistoryOf(channel, { name: 'nodes.active' });

    expect(kept).toMatchObject([{ value: 1 }]);
    expect(await historyOf(channel, { name: 'tasks.pending' })).toMatchObject([{ value: 3, tags: {} }]);
    await client.settled();
    expect(await client.nextOf(channel)).toMatchObject({ tasks: { pending: 3 } });
  });

  it('of usage says how much was saved by which tool in an hour', async () => {
    const saved = (tokens_saved: number, tool_id: string) => usage({ kind: 'compression', tokens_saved, tool_id });
    await tenant.record('usage', [saved(100, 'a'), saved(20, 'b')]);
    await tenant.record('usage', [saved(3, 'a'), { ...saved(0, 'a'), kind: 'embedding', cache_hits: 1 }]);
    const windows = await historyOf('tools.metrics', {
      ...{ name: 'tokens_saved', tags: { tool_id: 'a' }, aggregation_interval: '1h' },
      start_time: new Date(Date.now() - 3_600_000).toISOString(),
    });

    // An hour may end between the two requests.
    expect(windows.reduce((sum, { value }) => sum + (value as number), 0)).toBe(103);
    expect(windows[0]).toMatchObject({ type: 'counter', tags: { kind: 'compression', tool_id: 'a' } });
  });
});
