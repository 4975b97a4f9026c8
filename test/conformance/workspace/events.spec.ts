import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, alert, completion } from '../../support/test-tenant.js';
import type { WorkspaceClient } from '../../support/workspace-client.js';

describe('the events of the workspace dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: WorkspaceClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watchWorkspace();
    await client.subscribe('execution_started', 'execution_completed', 'alert');
    return () => client.close();
  });

  const record = async (what: 'executions' | 'alerts', ...items: object[]) => {
    expect(await tenant.record(what, items)).toMatchObject({ status: 202, body: { rejected: [] } });
  };

  it('say that an execution started, to the field', async () => {
    const timestamp = '2026-11-09T12:00:00.000Z';
    await record('executions', {
      run_id: 'run-456',
      agent_id: 'agent-123',
      user_id: 'user-789',
      status: 'started',
      timestamp,
    });

    expect(await client.settled()).toEqual([
      {
        event: 'execution_started',
        data: { agent_id: 'agent-123', run_id: 'run-456', user_id: 'user-789', started_at: timestamp },
        timestamp,
      },
    ]);
  });

  it('say that an execution completed, to the field', async () => {
    const timestamp = '2026-11-09T12:00:45.000Z';
    await record('executions', {
      run_id: 'run-456',
      agent_id: 'agent-123',
      status: 'completed',
      success: true,
      runtime_seconds: 45.2,
      credits_consumed: 0.15,
      timestamp,
    });

    expect(await client.settled()).toEqual([
      {
        event: 'execution_completed',
        data: {
          agent_id: 'agent-123',
          run_id: 'run-456',
          success: true,
          runtime_seconds: 45.2,
          credits_consumed: 0.15,
          completed_at: timestamp,
        },
        timestamp,
      },
    ]);
  });

  it('say of what is not known that it is null', async () => {
    await record('executions', completion('a', { status: 'started' }), completion('b'));

    expect(await client.settled()).toMatchObject([
      { event: 'execution_started', data: { user_id: null } },
      { event: 'execution_completed', data: { success: true, runtime_seconds: null, credits_consumed: null } },
    ]);
  });

  it.each([{ status: 'failed' }, { status: 'failed', success: true }, { status: 'completed', success: false }])(
    'say that an execution completed without success: %j',
    async (end) => {
      await record('executions', completion('run-1', { ...end, runtime_seconds: 3 }));

      expect(await client.settled()).toMatchObject([
        { event: 'execution_completed', data: { run_id: 'run-1', success: false, runtime_seconds: 3 } },
      ]);
    },
  );

  it('give the time between start and end for a runtime that was not told', async () => {
    const [started, ended] = ['2026-11-09T12:00:00.000Z', '2026-11-09T12:00:02.500Z'];
    await record('executions', completion('run-1', { status: 'started', timestamp: started }));
    await record('executions', completion('run-1', { timestamp: ended }));

    expect(await client.settled()).toMatchObject([{}, { data: { runtime_seconds: 2.5, completed_at: ended } }]);
  });

  it('say once that an execution started, and once that it ended, however often that is recorded', async () => {
    const start = completion('run-1', { status: 'started' });
    await record('executions', start, start);
    await record('executions', start, completion('run-1'), completion('run-1', { status: 'failed' }));
    await record('executions', completion('run-1'), start);

    expect(await client.settled()).toMatchObject([
      { event: 'execution_started' },
      { event: 'execution_completed', data: { success: true } },
    ]);
  });

  it.each(['low', 'medium', 'high', 'critical'])(
    'say an alert to the field, its priority twice: %s',
    async (priority) => {
      const timestamp = '2026-11-09T12:00:00.000Z';
      const data = { type: 'credit_limit', message: 'Credit limit approaching\n"größte"', priority };
      await record('alerts', { ...data, timestamp });

      expect(await client.settled()).toEqual([{ event: 'alert', data, priority, timestamp }]);
    },
  );

  it('come in the order in which they were recorded, all of them', async () => {
    const runs = Array.from({ length: 300 }, (_, at) => completion(`run-${at}`));
    await record('executions', ...runs);
    await record('alerts', alert());
    await record('executions', completion('last'));

    const received = await client.settled();

    expect(received.map(({ data }) => (data as { run_id?: string }).run_id)).toEqual([
      ...runs.map(({ run_id }) => run_id),
      undefined,
      'last',
    ]);
  });

  it('reach every subscriber of the workspace, and nobody of another', async () => {
    const colleague = await tenant.watchWorkspace();
    await colleague.subscribe('alert');
    const stranger = await new TestTenant(app).watchWorkspace();
    await stranger.subscribe('execution_started', 'execution_completed', 'alert');
    await record('alerts', alert());

    const received = await client.settled();

    expect(received).toMatchObject([{ event: 'alert' }]);
    expect(await colleague.settled()).toEqual(received);
    expect(await stranger.settled()).toEqual([]);
    await Promise.all([colleague.close(), stranger.close()]);
  });

  it('that nobody could store are sent to nobody', async () => {
    await tenant.record('alerts', alert({ priority: 'urgent' }));
    await tenant.record('executions', completion('run-1', { runtime_seconds: -1 }));

    expect(await client.settled()).toEqual([]);
  });

  it('are those alone that the token’s filter lets through', async () => {
    const clerk = await tenant.watchWorkspace(tenant.token({ filter: { agent_id: ['agent-1', 'agent-2'] } }));
    await clerk.subscribe('execution_completed', 'alert');
    const agents = ['agent-1', 'agent-2', 'agent-3'];
    await record('executions', ...agents.map((agent_id) => completion(`run of ${agent_id}`, { agent_id })));
    // It is of no agent.
    await record('alerts', alert());

    expect((await clerk.settled()).map(({ data }) => (data as { agent_id: string }).agent_id)).toEqual([
      'agent-1',
      'agent-2',
    ]);
    await clerk.close();
  });

  it('go on as before after a refused frame', async () => {
    client.wire.sendRaw('{"type":');
    client.send({ type: 'subscribe', event_types: 'alert' });
    await record('alerts', alert());

    expect((await client.settled()).map(({ event }) => event)).toEqual(['error', 'error', 'alert']);
  });
});
