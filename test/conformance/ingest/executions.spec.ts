import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import type { ChannelsClient } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';

const AT = '2026-01-20T12:00:00.000Z';
const LATER = '2026-01-20T12:00:45.200Z';

describe('recording of executions', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch();
    await client.subscribe(['executions.events']);
    return () => client.close();
  });

  /** The kinds and runs of the events that came. */
  const happened = async (of = client) =>
    (await of.settled()).map(({ event, data }) => [event, (data as { run_id: string }).run_id]);

  it('sends a start and an end to the subscribers of executions.events, field for field', async () => {
    const run = {
      run_id: 'run-456',
      agent_id: 'agent-123',
      user_id: 'user-789',
      kind: 'workflow',
      tool_id: 'tool-1',
      session_id: 'session-1',
    };
    await tenant.record('executions', { ...run, status: 'started', timestamp: AT });
    const end = { ...run, status: 'completed', runtime_seconds: 45, credits_consumed: 0.15, timestamp: LATER };
    expect(await tenant.record('executions', end)).toMatchObject({
      status: 202,
      body: { accepted: 1, rejected: [] },
    });

    const { run_id: _, ...tags } = run;
    expect(await client.settled()).toEqual([
      {
        channel: 'executions.events',
        event: 'execution_started',
        data: { agent_id: 'agent-123', run_id: 'run-456', user_id: 'user-789', started_at: AT },
        timestamp: AT,
        tags,
        offset: 1,
      },
      {
        channel: 'executions.events',
        event: 'execution_completed',
        data: {
          agent_id: 'agent-123',
          run_id: 'run-456',
          success: true,
          runtime_seconds: 45,
          credits_consumed: 0.15,
          completed_at: LATER,
        },
        timestamp: LATER,
        tags,
        offset: 2,
      },
    ]);
  });

  it('says null for what is not known, and leaves out the tags of it', async () => {
    await tenant.record('executions', [start('1', { timestamp: AT }), end('2', { timestamp: AT })]);

    const [started, completed] = await client.settled();
    expect(started).toMatchObject({
      data: { agent_id: 'a', run_id: '1', user_id: null, started_at: AT },
      tags: { agent_id: 'a' },
    });
    expect(started!['tags']).toEqual({ agent_id: 'a' });
    expect(completed!['data']).toEqual({
      agent_id: 'a',
      run_id: '2',
      success: true,
      runtime_seconds: null,
      credits_consumed: null,
      completed_at: AT,
    });
  });

  it('takes the time between start and end for the runtime where none is said', async () => {
    await tenant.record('executions', [start('1', { timestamp: AT }), end('1', { timestamp: LATER })]);
    await tenant.record('executions', [start('2', { timestamp: LATER }), end('2', { timestamp: AT })]);
    const ends = (await client.settled()).filter(({ event }) => event === 'execution_completed');

    // The second ended before it began: its clocks disagree, and nothing is known.
    expect(ends).toMatchObject([{ data: { runtime_seconds: 45.2 } }, { data: { runtime_seconds: null } }]);
  });

  it.each([
    { of: { status: 'completed' }, success: true },
    { of: { status: 'completed', success: true }, success: true },
    { of: { status: 'completed', success: false }, success: false },
    { of: { status: 'failed' }, success: false },
    { of: { status: 'failed', success: true }, success: false },
  ])('of an end with $of says that its success is $success', async ({ of, success }) => {
    await tenant.record('executions', end('1', of));

    expect(await client.next()).toMatchObject({ event: 'execution_completed', data: { success } });
  });

  it('sends the events in the order of the list', async () => {
    await tenant.record('executions', [end('z'), start('b'), start('a'), end('b'), start('c'), end('a')]);

    expect(await happened()).toEqual([
      ['execution_completed', 'z'],
      ['execution_started', 'b'],
      ['execution_started', 'a'],
      ['execution_completed', 'b'],
      ['execution_started', 'c'],
      ['execution_completed', 'a'],
    ]);
  });

  it.each([{ at: 'once' }, { at: 'one after the other' }])(
    'accepts a second start and a second end, $at, and sends neither',
    async ({ at }) => {
      const items = [start('1'), start('1'), end('1'), end('1', { status: 'failed' }), start('1')];
      const answers = [];
      if (at === 'once') answers.push(await tenant.record('executions', items));
      else for (const item of items) answers.push(await tenant.record('executions', item));

      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
      expect(await happened()).toEqual([
        ['execution_started', '1'],
        ['execution_completed', '1'],
      ]);
    },
  );

  it('keeps what an execution was at first, whatever its end says', async () => {
    await tenant.record('executions', start('1', { agent_id: 'first', kind: 'agent', timestamp: AT }));
    await tenant.record('executions', end('1', { agent_id: 'second', kind: 'workflow', user_id: 'u', tool_id: 't' }));

    expect((await client.settled())[1]).toMatchObject({
      data: { agent_id: 'first' },
      tags: { agent_id: 'first', kind: 'agent' },
    });
  });

  it('sends those alone that have the tags which were asked for', async () => {
    await client.subscribe(['executions.events'], { tags: { agent_id: ['a', 'b'], kind: 'agent' } });
    await tenant.record('executions', [
      start('1', { kind: 'agent' }),
      start('2', { kind: 'workflow' }),
      start('3', { kind: 'agent', agent_id: 'c' }),
      start('4', { kind: 'agent', agent_id: 'b' }),
      end('1'),
    ]);

    expect((await happened()).map(([, run]) => run)).toEqual(['1', '4', '1']);
  });

  it('judges each item by itself, and says where the bad ones are and why', async () => {
    const bad = [start('2', { status: 'running' }), 7, end('3', { runtime_seconds: 1e9 + 1 }), start('')];
    const answer = await tenant.record('executions', [start('1'), ...bad, start('4', { id: 9 })]);

    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      accepted: 1,
      rejected: [
        { index: 1, field: 'status', message: 'must be one of started, completed, failed' },
        { index: 2, field: '', message: 'must be an object' },
        { index: 3, field: 'runtime_seconds', message: 'must be a finite number from 0 to 1000000000' },
        { index: 4, field: 'run_id', message: 'must be a printable text of 1 to 200 characters' },
        { index: 5, field: 'id', message: 'must be a printable text of 1 to 200 characters' },
      ],
    });
    expect(await happened()).toEqual([['execution_started', '1']]);
  });

  it('answers 400 where no item is good, and sends nothing', async () => {
    expect(await tenant.record('executions', [start('1', { agent_id: undefined }), null])).toMatchObject({
      status: 400,
      body: { errors: [{ field: '0.agent_id' }, { field: '1', message: 'must be an object' }] },
    });
    expect(await happened()).toEqual([]);
  });

  it.each([
    { field: 'run_id', of: { run_id: undefined } },
    { field: 'run_id', of: { run_id: 7 } },
    { field: 'run_id', of: { run_id: 'x'.repeat(201) } },
    { field: 'run_id', of: { run_id: 'a\u0000b' } },
    { field: 'agent_id', of: { agent_id: null } },
    { field: 'agent_id', of: { agent_id: '\ud800' } },
    { field: 'user_id', of: { user_id: '' } },
    { field: 'status', of: { status: undefined } },
    { field: 'status', of: { status: 'toString' } },
    { field: 'success', of: { success: 'true' } },
    { field: 'success', of: { success: 1 } },
    { field: 'runtime_seconds', of: { runtime_seconds: -0.001 } },
    { field: 'runtime_seconds', of: { runtime_seconds: '5' } },
    { field: 'credits_consumed', of: { credits_consumed: -1 } },
    { field: 'credits_consumed', of: { credits_consumed: 1e12 + 1 } },
    { field: 'kind', of: { kind: 'Agent' } },
    { field: 'kind', of: { kind: '' } },
    { field: 'tool_id', of: { tool_id: {} } },
    { field: 'session_id', of: { session_id: 7 } },
    { field: 'timestamp', of: { timestamp: 'soon' } },
    { field: 'timestamp', of: { timestamp: Date.now() } },
    { field: 'id', of: { id: '' } },
  ])('rejects one for its $field: $of', async ({ field, of }) => {
    const answer = await tenant.record('executions', [start('good'), start('1', of)]);

    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [{ index: 1, field }] } });
  });

  it('takes what is null for absent', async () => {
    const unknown = {
      user_id: null,
      success: null,
      runtime_seconds: null,
      credits_consumed: null,
      kind: null,
      tool_id: null,
      session_id: null,
      timestamp: null,
      id: null,
    };

    expect(await tenant.record('executions', end('1', unknown))).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await client.next()).toMatchObject({ data: { success: true, runtime_seconds: null } });
  });

  it('accepts a repeat of an id, and does not look at it', async () => {
    await tenant.record('executions', [start('1', { id: 'a' }), start('2', { id: 'a' })]);
    expect(await tenant.record('executions', end('1', { id: 'a' }))).toMatchObject({
      status: 202,
      body: { accepted: 1 },
    });

    expect(await happened()).toEqual([['execution_started', '1']]);
  });

  it('knows an execution by its tenant, whatever the body says', async () => {
    const other = new TestTenant(app);
    const stranger = await other.watch();
    await stranger.subscribe(['executions.events']);
    await tenant.record('executions', start('1', { tenant_id: other.id, workspace_id: other.id }));
    await other.record('executions', end('1'));

    expect(await happened()).toEqual([['execution_started', '1']]);
    expect(await happened(stranger)).toEqual([['execution_completed', '1']]);
    await stranger.close();
  });

  it('needs the role ingest', async () => {
    const token = tenant.token({ roles: ['viewer'] });

    expect(await tenant.record('executions', start('1'), token)).toMatchObject({ status: 403 });
    expect(await happened()).toEqual([]);
  });
});

/** A start for `POST /ingest/executions`. */
function start(run_id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { run_id, agent_id: 'a', status: 'started', ...fields };
}

/** An end for it. */
function end(run_id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return start(run_id, { status: 'completed', ...fields });
}
