import { hostname } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const TAGS = { host: hostname(), instance: expect.stringMatching(/.+/) as string };
const NEARLY = (seconds: number) => expect.closeTo(seconds, 1) as number;

describe.each(ENCODINGS)('states of executions over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  /** An execution that succeeded, one that failed, and one that runs, of a workflow and of an agent each. */
  const recordSome = () =>
    tenant.record(
      'executions',
      ['workflow', 'agent'].flatMap((kind) => [
        { run_id: `${kind} 1`, agent_id: 'a', kind, status: 'completed', runtime_seconds: 2, credits_consumed: 0.1 },
        { run_id: `${kind} 2`, agent_id: 'a', kind, status: 'failed', runtime_seconds: 4, credits_consumed: 0.2 },
        { run_id: `${kind} 3`, agent_id: kind, kind, status: 'started' },
      ]),
    );

  it('come as the three channels have them, each in one message', async () => {
    await recordSome();
    await client.subscribe(['workflow.metrics', 'agent.metrics', 'executions.metrics']);
    const states = new Map<unknown, WireMessage>();
    while (states.size < 3) {
      const state = await client.next();
      if (!states.has(state['channel'])) states.set(state['channel'], state);
    }

    const common = { timestamp: ISO, tags: TAGS, offset: 1 };
    expect(states.get('workflow.metrics')).toEqual({
      ...common,
      channel: 'workflow.metrics',
      executions: { total: 3, successful: 1, failed: 1 },
      success_rate: 50,
      duration: { avg: 3, p95: NEARLY(2) },
    });
    expect(states.get('agent.metrics')).toEqual({
      ...common,
      channel: 'agent.metrics',
      calls: { total: 3, successful: 1, failed: 1 },
      latency: { avg: 3, p95: NEARLY(2) },
      errors: { total: 1 },
    });
    expect(states.get('executions.metrics')).toEqual({
      ...common,
      channel: 'executions.metrics',
      total_executions: 6,
      active_agents: 2,
      credits_consumed: 0.6,
      avg_runtime: 3,
    });
  });

  it('come as a message for each figure where points are asked for', async () => {
    await recordSome();
    await client.subscribe(['workflow.metrics', 'agent.metrics'], { format: 'points' });
    const points = new Map<string, unknown[]>();
    while (points.size < 11) {
      const { channel, name, type, value } = await client.next();
      points.set(`${String(channel)} ${String(name)}`, [type, value]);
    }

    expect(Object.fromEntries(points)).toEqual({
      'workflow.metrics executions.total': ['counter', 3],
      'workflow.metrics executions.successful': ['counter', 1],
      'workflow.metrics executions.failed': ['counter', 1],
      'workflow.metrics success_rate': ['gauge', 50],
      'workflow.metrics duration.avg': ['gauge', 3],
      'workflow.metrics duration.p95': ['gauge', NEARLY(2)],
      'agent.metrics calls.total': ['counter', 3],
      'agent.metrics calls.successful': ['counter', 1],
      'agent.metrics calls.failed': ['counter', 1],
      'agent.metrics latency.avg': ['gauge', 3],
      'agent.metrics errors.total': ['counter', 1],
    });
  });

  it('show an execution at the next tick', async () => {
    await client.subscribe(['executions.metrics']);
    expect(await client.nextOf('executions.metrics')).toMatchObject({ total_executions: 0, avg_runtime: null });
    await tenant.record('executions', { run_id: '1', agent_id: 'a', status: 'started' });
    // One that was under way while it was stored may have missed it; none after that.
    await client.nextOf('executions.metrics');
    await client.nextOf('executions.metrics');

    expect(await client.nextOf('executions.metrics')).toMatchObject({ total_executions: 1, active_agents: 1 });
  });
});
