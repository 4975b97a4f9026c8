import { expect, it } from 'vitest';
import type { ExecutionInput } from '../../../src/feeds/executions/index.js';
import {
  ALL_FEATURES,
  AGENT_METRICS,
  EXECUTIONS_METRICS,
  NO_FILTER,
  TOOLS_METRICS,
  type TenantId,
  WORKFLOW_METRICS,
} from '../../../src/protocol/index.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The states of executions, as they are read from what is stored. */
export function executionsStateContract(storage: () => Storage): void {
  const context = (tenant: TenantId, timestamp = Date.now()) => ({
    tenant,
    filter: NO_FILTER,
    features: ALL_FEATURES,
    timestamp,
  });
  // As they leave: what JSON cannot say must not be in them.
  const asSent = async (state: Promise<object>) => JSON.parse(JSON.stringify(await state)) as unknown;
  const workflows = (tenant: TenantId) => asSent(storage().executionsFeed.collectWorkflows(context(tenant)));
  const agents = (tenant: TenantId) => asSent(storage().executionsFeed.collectAgents(context(tenant)));
  const all = (tenant: TenantId, timestamp?: number) =>
    asSent(storage().executionsFeed.collectAll(context(tenant, timestamp)));
  const recorded = (tenant: TenantId, ...items: Partial<ExecutionInput>[]) =>
    storage().executions.record(
      tenant,
      items.map((item, index) => ({ run_id: `${index}`, agent_id: 'a', status: 'completed', ...item })),
    );

  it('of nothing say that nothing is known', async () => {
    const tenant = newTenant();
    const nothing = { total: 0, successful: 0, failed: 0 };

    expect(await workflows(tenant)).toEqual({
      executions: nothing,
      success_rate: null,
      duration: { avg: null, p95: null },
    });
    expect(await agents(tenant)).toEqual({ calls: nothing, latency: { avg: null, p95: null }, errors: { total: 0 } });
    expect(await all(tenant)).toEqual({
      total_executions: 0,
      active_agents: 0,
      credits_consumed: 0,
      avg_runtime: null,
    });
  });

  it('say how many there were, how many of the ended ones succeeded, and how long they took', async () => {
    const tenant = newTenant();
    await recorded(
      tenant,
      { kind: 'workflow', runtime_seconds: 1, credits_consumed: 0.1 },
      { kind: 'workflow', runtime_seconds: 2, credits_consumed: 0.2 },
      { kind: 'workflow', status: 'failed', runtime_seconds: 4 },
      { kind: 'workflow', status: 'started' },
      { kind: 'agent', runtime_seconds: 0.5 },
      { kind: 'agent', success: false },
      { kind: 'agent', status: 'started', agent_id: 'b' },
    );

    expect(await workflows(tenant)).toEqual({
      executions: { total: 4, successful: 2, failed: 1 },
      success_rate: 66.67,
      duration: { avg: 2.333333, p95: expect.closeTo(2, 1) as number },
    });
    expect(await agents(tenant)).toEqual({
      calls: { total: 3, successful: 1, failed: 1 },
      latency: { avg: 0.5, p95: expect.closeTo(0.5, 1) as number },
      errors: { total: 1 },
    });
    expect(await all(tenant)).toEqual({
      total_executions: 7,
      active_agents: 2,
      credits_consumed: 0.3,
      avg_runtime: 1.875,
    });
  });

  it('count an execution without a kind both as a workflow and as an agent’s, and once among all', async () => {
    const tenant = newTenant();
    await recorded(
      tenant,
      { runtime_seconds: 3 },
      { kind: 'workflow', runtime_seconds: 1 },
      { kind: 'agent', status: 'failed', runtime_seconds: 7 },
    );

    expect(await workflows(tenant)).toMatchObject({
      executions: { total: 2, successful: 2, failed: 0 },
      duration: { avg: 2 },
    });
    expect(await agents(tenant)).toMatchObject({ calls: { total: 2, successful: 1, failed: 1 }, latency: { avg: 5 } });
    expect(await all(tenant)).toMatchObject({ total_executions: 3, avg_runtime: 3.666667 });
  });

  it('say how long all but the slowest twentieth took, within 1 %', async () => {
    const tenant = newTenant();
    const runtimes = Array.from({ length: 1000 }, (_, index) => (index + 1) / 8);
    for (const kind of ['workflow', undefined] as const) {
      const half = runtimes.filter((_runtime, index) => (kind ? index % 2 > 0 : index % 2 === 0));
      await recorded(
        tenant,
        ...half.map((runtime_seconds) => ({ run_id: `${kind} ${runtime_seconds}`, kind, runtime_seconds })),
      );
    }
    const { duration } = (await workflows(tenant)) as { duration: { p95: number } };

    expect(Math.abs(duration.p95 - 950 / 8)).toBeLessThanOrEqual(950 / 8 / 100);
  });

  it('count the agents that have something running that began within a day', async () => {
    const tenant = newTenant();
    const now = Date.now();
    const before = (age: number) => (now - age) / 1000;
    await recorded(
      tenant,
      { run_id: '1', agent_id: 'two at once', status: 'started', timestamp: before(1000) },
      { run_id: '2', agent_id: 'two at once', status: 'started', timestamp: before(HOUR) },
      { run_id: '3', agent_id: 'almost a day', status: 'started', timestamp: before(DAY - 1) },
      { run_id: '4', agent_id: 'a day', status: 'started', timestamp: before(DAY) },
      { run_id: '5', agent_id: 'done', status: 'started', timestamp: before(1000) },
      { run_id: '5', agent_id: 'done', status: 'failed', timestamp: before(500) },
      { run_id: '6', agent_id: 'never said to begin', timestamp: before(500) },
    );
    const { active_agents } = (await all(tenant, now)) as { active_agents: number };

    expect(active_agents).toBe(2);
  });

  it('show a tenant nothing of another', async () => {
    const [one, other] = [newTenant(), newTenant()];
    await recorded(one, { runtime_seconds: 1 }, { status: 'started' });

    expect(await all(other)).toMatchObject({ total_executions: 0, active_agents: 0 });
    expect(await workflows(other)).toMatchObject({ executions: { total: 0 }, duration: { p95: null } });
  });

  it.each([WORKFLOW_METRICS, AGENT_METRICS, EXECUTIONS_METRICS, TOOLS_METRICS])(
    'that were collected before an execution are not shown after it: %s',
    async (channel) => {
      const tenant = newTenant();
      let collections = 0;
      const look = () =>
        storage().states.get({ tenant, channel }, '', HOUR, async () => {
          collections += 1;
          return null;
        });
      await look();
      await look();
      await recorded(tenant, {});
      await look();

      expect(collections).toBe(2);
    },
  );

  it('are read by the index, those that still run from the running ones alone', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const many = Array.from({ length: 3000 }, (_, index) => ({
      run_id: `${index}`,
      agent_id: `a${index % 10}`,
      status: index % 100 === 0 ? ('started' as const) : ('completed' as const),
      runtime_seconds: index,
    }));
    for (const one of [tenant, other]) await recorded(one, ...many);
    await storage().rows('ANALYZE');
    const plans = await plansOf(storage(), async () => {
      await workflows(tenant);
      await agents(tenant);
      await all(tenant);
    });

    expectIndexed(plans);
    const ofRunning = plans.filter((plan) => plan.includes('COUNT(DISTINCT'));
    expect(ofRunning).toHaveLength(1);
    expect(ofRunning[0]).toContain('metricast_execution_running');
  });
}
