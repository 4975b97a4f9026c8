import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../../src/store/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, completion } from '../../support/test-tenant.js';
import type { WorkspaceClient } from '../../support/workspace-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const NOTHING_YET = { total_executions: 0, active_agents: 0, credits_consumed: 0, avg_runtime: null };

/** Two agents at work, three executions that ended. */
const EXECUTIONS = [
  completion('a', { status: 'started' }),
  completion('b', { status: 'started' }),
  completion('c', { status: 'started', agent_id: 'agent-2' }),
  completion('d', { runtime_seconds: 1, credits_consumed: 0.25 }),
  completion('e', { runtime_seconds: 2, credits_consumed: 0.5, kind: 'workflow' }),
  completion('f', { status: 'failed' }),
];
const OF_EXECUTIONS = { total_executions: 6, active_agents: 2, credits_consumed: 0.75, avg_runtime: 1.5 };

describe('the metrics of the workspace dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: WorkspaceClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watchWorkspace();
    return () => client.close();
  });

  /** What a client is answered that asks for metrics. */
  const request = async (fields: object = { metric_type: 'executions' }) => {
    client.send({ type: 'request_metrics', ...fields });
    return client.find(({ event, metric_type }) => event === 'error' || metric_type !== undefined);
  };
  const rename = (from: string, to: string) =>
    app.app
      .get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false })
      .query(`ALTER TABLE ${from} RENAME TO ${to}`);

  it('are given to who asks, to the field', async () => {
    await tenant.record('executions', EXECUTIONS);

    expect(await request()).toEqual({
      event: 'metrics_update',
      metric_type: 'executions',
      data: OF_EXECUTIONS,
      timestamp: ISO,
    });
  });

  it('are given to who is not subscribed, and nothing comes after', async () => {
    const reader = await tenant.watchWorkspace();
    await reader.subscribe('metrics_update');

    expect(await request()).toMatchObject({ data: NOTHING_YET });
    for (let update = 0; update < 3; update++) await reader.next({ event: 'metrics_update' });
    expect(await client.settled()).toEqual([]);
    await reader.close();
  });

  it('are given to who is subscribed, and the updates go on', async () => {
    await client.subscribe('metrics_update');

    expect(await request()).toMatchObject({ metric_type: 'executions', data: NOTHING_YET });
    expect(await client.next({ event: 'metrics_update' })).not.toHaveProperty('metric_type');
  });

  it.each([{}, { metric_type: null }])('are those of executions where nothing is named: %j', async (fields) => {
    expect(await request(fields)).toMatchObject({ metric_type: 'executions', data: NOTHING_YET });
  });

  it.each(['agents', '', 'EXECUTIONS', 'executions.metrics', '__proto__', 7, true, ['executions'], {}])(
    'are none of the type %j: an error that says what there is',
    async (metric_type) => {
      expect(await request({ metric_type })).toEqual({
        event: 'error',
        error: 'Invalid request: metric_type must be executions',
        code: 'bad_request',
        timestamp: ISO,
      });
    },
  );

  it('show what was accepted before they were asked for, again and again', async () => {
    for (let count = 1; count <= 5; count++) {
      await tenant.record('executions', completion(`run-${count}`));
      expect(await request()).toMatchObject({ data: { total_executions: count } });
    }
  });

  it('are sent each tick to those subscribed, and to nobody else', async () => {
    const other = await tenant.watchWorkspace();
    await other.subscribe('execution_started', 'execution_completed', 'alert');
    await client.subscribe('metrics_update');

    const updates = [];
    for (let update = 0; update < 3; update++) updates.push(await client.next({ event: 'metrics_update' }));

    for (const update of updates)
      expect(update).toEqual({ event: 'metrics_update', data: NOTHING_YET, timestamp: ISO });
    const times = updates.map(({ timestamp }) => Date.parse(timestamp as string));
    expect(times).toEqual([...new Set(times)].sort((one, next) => one - next));
    expect(await other.settled()).toEqual([]);
    await other.close();
  });

  it('show at the next tick what was recorded', async () => {
    await client.subscribe('metrics_update');
    await tenant.record('executions', EXECUTIONS);
    await client.settled();
    // What was collected while they were stored may still be under way; the tick after has them for sure.
    await client.next({ event: 'metrics_update' });

    expect(await client.next({ event: 'metrics_update' })).toMatchObject({ data: OF_EXECUTIONS });
  });

  it('are the same for all who are subscribed', async () => {
    const other = await tenant.watchWorkspace();
    await Promise.all([client.subscribe('metrics_update'), other.subscribe('metrics_update', 'alert')]);
    const update = await other.next({ event: 'metrics_update' });

    expect(await client.next({ timestamp: update['timestamp'] })).toEqual(update);
    await other.close();
  });

  it('stop with the subscription', async () => {
    const other = await tenant.watchWorkspace();
    await other.subscribe('metrics_update');
    await client.subscribe('metrics_update', 'alert');
    await client.next({ event: 'metrics_update' });
    await client.unsubscribe('metrics_update');

    for (let update = 0; update < 3; update++) await other.next({ event: 'metrics_update' });
    expect(await client.settled()).toEqual([]);
    await other.close();
  });

  it('are those of the workspace alone', async () => {
    const stranger = new TestTenant(app);
    await stranger.record('executions', EXECUTIONS);
    await client.subscribe('metrics_update');

    expect(await client.next({ event: 'metrics_update' })).toMatchObject({ data: NOTHING_YET });
    expect(await request()).toMatchObject({ data: NOTHING_YET });
  });

  it('of everyone are not for who may see a part alone', async () => {
    await client.subscribe('metrics_update');
    const clerk = await tenant.watchWorkspace(tenant.token({ filter: { agent_id: 'agent-1' } }));
    await clerk.subscribe('metrics_update');
    clerk.send({ type: 'request_metrics', metric_type: 'executions' });

    expect(await clerk.next()).toEqual({ event: 'error', error: 'Not found', code: 'not_found', timestamp: ISO });
    for (let update = 0; update < 3; update++) await client.next({ event: 'metrics_update' });
    expect(await clerk.settled()).toEqual([]);
    await clerk.close();
  });

  it('that cannot be collected are an error, and the stream goes on', async () => {
    await client.subscribe('metrics_update', 'alert');
    await client.next({ event: 'metrics_update' });
    const failed = { event: 'error', error: 'Failed to fetch metrics', code: 'collect_failed', timestamp: ISO };

    await rename('metricast_execution_total', 'hidden');
    expect(await client.next({ event: 'error' })).toEqual(failed);
    expect(await request()).toEqual(failed);
    await rename('hidden', 'metricast_execution_total');

    await client.next({ event: 'metrics_update' });
    await client.settled();
    expect(await request()).toMatchObject({ data: NOTHING_YET });
  });
});
