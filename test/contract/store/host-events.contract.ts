import { expect, it } from 'vitest';
import { channelName } from '../../support/publications.js';
import { Published, storedEvents } from '../../support/published.js';
import { type Storage, newTenant } from '../../support/storage.js';

const AT = Date.UTC(2026, 0, 20, 12);
const ISO = '2026-01-20T12:00:00.000Z';

/** What a host publishes from its code is stored and published as what it is. */
export function hostEventsContract(storage: () => Storage): void {
  it('each call is stored and published as the event that it is', async () => {
    const tenant = newTenant();
    const published = new Published(storage());
    const { hostEvents } = storage();
    const run = { agentId: 'a', runId: 'r', userId: 'u', kind: 'agent', toolId: 't', sessionId: 's' } as const;
    await hostEvents.executionStarted(tenant, { ...run, startedAt: AT / 1000 });
    await hostEvents.executionCompleted(tenant, {
      ...run,
      success: false,
      runtimeSeconds: 1.5,
      creditsConsumed: 2.5,
      completedAt: ISO,
    });
    await hostEvents.metricsUpdate(tenant, { total_executions: 7, queue: { waiting: null } });
    await hostEvents.alert(tenant, { type: 'budget', message: 'over it', priority: 'low', timestamp: ISO });
    const report = { type: 'report.ready', data: { pages: 3 }, tags: { b: '2', a: '1' }, timestamp: ISO };
    await hostEvents.publish(tenant, 'reports.events', report);

    const common = { channel: 'executions.events', timestamp: AT };
    const tags = { agent_id: 'a', user_id: 'u', kind: 'agent', tool_id: 't', session_id: 's' };
    const expected = [
      {
        ...common,
        type: 'execution_started',
        tags,
        data: { agent_id: 'a', run_id: 'r', user_id: 'u', started_at: ISO },
      },
      {
        ...common,
        type: 'execution_completed',
        tags,
        data: {
          agent_id: 'a',
          run_id: 'r',
          success: false,
          runtime_seconds: 1.5,
          credits_consumed: 2.5,
          completed_at: ISO,
        },
      },
      {
        channel: 'executions.events',
        timestamp: expect.any(Number) as number,
        type: 'metrics_update',
        tags: {},
        data: { total_executions: 7, queue: { waiting: null } },
      },
      {
        channel: 'alerts.events',
        timestamp: AT,
        type: 'alert',
        tags: { priority: 'low', type: 'budget' },
        data: { type: 'budget', message: 'over it', priority: 'low' },
      },
      {
        channel: 'reports.events',
        timestamp: AT,
        type: 'report.ready',
        tags: { a: '1', b: '2' },
        data: { pages: 3 },
      },
    ];
    expect(await storedEvents(storage(), tenant)).toEqual(expected);
    expect(published.events(tenant)).toEqual(expected);
    expect(await storage().executionTotals.totals(tenant, 'agent')).toMatchObject({
      total: 1,
      failed: 1,
      credits: 2.5,
    });
  });

  it('data is stored and sent as JSON has it, and what becomes of the object later changes nothing', async () => {
    const tenant = newTenant();
    const published = new Published(storage());
    const data: Record<string, unknown> = { text: 'a\u0000b \ud800 🔥', nan: Number.NaN, none: undefined };
    const publishing = storage().hostEvents.publish(tenant, 'reports.events', { type: 'r', data });
    data['text'] = 'changed';
    await publishing;

    const expected = [expect.objectContaining({ data: { text: 'a\u0000b \ud800 🔥', nan: null } })];
    expect(await storedEvents(storage(), tenant)).toEqual(expected);
    expect(published.events(tenant)).toEqual(expected);
  });

  it('a channel exists for its tenant from its first event on, after a restart too', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const channel = channelName('reports.events');
    await storage().hostEvents.publish(tenant, channel, { type: 'report_ready', data: {} });

    for (const directory of [storage().directory, storage().newDirectory()]) {
      expect([...(await directory.existing(tenant, [channel]))]).toEqual([channel]);
      expect((await directory.existing(other, [channel])).size).toBe(0);
    }
    expect(await storage().events.channelsOf(tenant, ['report_ready'])).toEqual(new Map([['report_ready', [channel]]]));
    expect((await storage().events.channelsOf(other, ['report_ready'])).size).toBe(0);
  });

  it('a type is written down with its first event alone', async () => {
    const tenant = newTenant();
    const { hostEvents, transactor } = storage();
    const publishAll = async (run: string) => {
      const before = transactor.statements.length;
      await hostEvents.executionStarted(tenant, { agentId: 'a', runId: run });
      await hostEvents.publish(tenant, 'reports.events', { type: 'report_ready', data: {} });
      return transactor.statements
        .slice(before)
        .filter((statement) => 'into' in statement && statement.into === 'metricast_event_type');
    };

    expect(await publishAll('1')).toHaveLength(2);
    expect(await publishAll('2')).toEqual([]);
  });

  it('an event with an id is stored and published once', async () => {
    const tenant = newTenant();
    const published = new Published(storage());
    for (let time = 0; time < 2; time++) {
      await storage().hostEvents.publish(tenant, 'reports.events', { type: 'r', data: { time }, id: 'once' });
    }

    expect(await storedEvents(storage(), tenant)).toMatchObject([{ data: { time: 0 } }]);
    expect(published.of(tenant)).toHaveLength(1);
  });

  it('a mistake of the host is thrown by the name that the host knows, and leaves nothing', async () => {
    const tenant = newTenant();
    const { hostEvents } = storage();
    const run = { agentId: 'a', runId: 'r' };
    const event = { type: 'r', data: {} };
    const mistakes: [Promise<void>, RegExp][] = [
      [hostEvents.executionStarted(tenant, { ...run, runId: '' }), /^runId: must be/],
      [hostEvents.executionStarted(tenant, { ...run, agentId: 7 as never }), /^agentId: must be/],
      [hostEvents.executionStarted(tenant, { ...run, userId: '\n' }), /^userId: must be/],
      [hostEvents.executionStarted(tenant, { ...run, kind: 'x' as never }), /^kind: must be one of workflow, agent/],
      [hostEvents.executionStarted(tenant, { ...run, toolId: '' }), /^toolId: must be/],
      [hostEvents.executionStarted(tenant, { ...run, sessionId: '' }), /^sessionId: must be/],
      [hostEvents.executionStarted(tenant, { ...run, startedAt: 'soon' }), /^startedAt: must be/],
      [hostEvents.executionCompleted(tenant, { ...run, success: 1 as never }), /^success: must be/],
      [hostEvents.executionCompleted(tenant, { ...run, runtimeSeconds: -1 }), /^runtimeSeconds: must be/],
      [hostEvents.executionCompleted(tenant, { ...run, creditsConsumed: NaN }), /^creditsConsumed: must be/],
      [hostEvents.executionCompleted(tenant, { ...run, completedAt: 1e12 }), /^completedAt: must/],
      [hostEvents.metricsUpdate(tenant, [1]), /^metrics: must be an object/],
      [hostEvents.metricsUpdate(tenant, { text: 'x'.repeat(64 * 1024) }), /^metrics: must be at most 65536 bytes/],
      [hostEvents.alert(tenant, { type: 't', message: 'm', priority: 'urgent' as never }), /^priority: must be one of/],
      [hostEvents.publish(tenant, 'reports.metrics', event), /^channel: must be NAME\.events/],
      [hostEvents.publish(tenant, 'Reports.events', event), /^channel: must be NAME\.events/],
      [hostEvents.publish(tenant, 'reports.events', { ...event, type: '7' }), /^type: must be 1 to 64 characters/],
      [hostEvents.publish(tenant, 'reports.events', { ...event, data: { n: 1n } }), /^data: .*BigInt/],
      [hostEvents.publish(tenant, 'reports.events', { ...event, tags: { 'a b': '' } }), /^tags: /],
      [hostEvents.publish(tenant, 'reports.events', { ...event, id: '' }), /^id: must be/],
      [hostEvents.publish('no tenant', 'reports.events', event), /^a tenant id is /],
      [hostEvents.executionStarted('no tenant', run), /^a tenant id is /],
    ];
    for (const [call, message] of mistakes) {
      const thrown: unknown = await call.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown).toBeInstanceOf(TypeError);
      expect((thrown as TypeError).message).toMatch(message);
    }

    expect(await storedEvents(storage(), tenant)).toEqual([]);
  });

  it('an event that cannot be stored is not published, and the call says that the store is busy', async () => {
    const tenant = newTenant();
    const { dataSource, hostEvents } = storage();
    const published = new Published(storage());
    await dataSource.query('ALTER TABLE metricast_event RENAME TO hidden');
    const calls = [
      hostEvents.executionStarted(tenant, { agentId: 'a', runId: 'r' }),
      hostEvents.metricsUpdate(tenant, {}),
      hostEvents.alert(tenant, { type: 't', message: 'm', priority: 'low' }),
      hostEvents.publish(tenant, 'reports.events', { type: 'r', data: {} }),
    ];
    const outcomes = await Promise.allSettled(calls);
    await dataSource.query('ALTER TABLE hidden RENAME TO metricast_event');

    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'busy' } });
    expect(published.of(tenant)).toEqual([]);
    expect(await storage().executionTotals.totals(tenant, '')).toMatchObject({ total: 0 });
  });
}
