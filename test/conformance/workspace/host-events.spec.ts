import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventsService } from 'nestjs-metricast';
import { SECRET, tokenWith } from '../../support/app.js';
import { RunningHost, createHost, hostModule } from '../../support/host.js';
import { WorkspaceClient } from '../../support/workspace-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

/** Something of a host's own that tells what happens. */
@Injectable()
class Newsroom {
  constructor(readonly events: EventsService) {}
}

let workspaces = 0;

describe('events that a host publishes, in the workspace dialect', () => {
  let host: RunningHost;
  let events: EventsService;
  let workspace: string;
  let client: WorkspaceClient;
  beforeAll(async () => {
    const eventTypes = { 'reports.events': ['report_ready', 'Report.Failed-1'], 'archive.events': ['report_ready'] };
    const module = hostModule({ providers: [Newsroom] }, { auth: { secret: SECRET }, eventTypes, updateInterval: 0.1 });
    host = await RunningHost.listen(await createHost('express', module));
    events = host.app.get(Newsroom).events;
  });
  afterAll(() => host.close());
  beforeEach(async () => {
    workspace = `workspace-${++workspaces}`;
    client = await watch();
    return () => client.close();
  });

  const watch = (of = workspace) => {
    const token = tokenWith({ tenant_id: undefined, workspace_id: of });
    return WorkspaceClient.open(host.url(`/ws?token=${token}`, 'ws'));
  };
  const publish = (type: string, data: object = {}, channel = 'reports.events') =>
    events.publish(workspace, channel, { type, data });

  it('arrive as they are, by a type that was declared', async () => {
    expect(await client.subscribe('report_ready', 'Report.Failed-1')).toMatchObject({
      event_types: ['Report.Failed-1', 'report_ready'],
    });
    const data = { pages: 12, title: 'größte', sections: [{ name: 'a' }], none: null };
    await events.publish(workspace, 'reports.events', {
      type: 'report_ready',
      data,
      timestamp: '2026-11-09T12:00:00.123Z',
      tags: { team: 'a' },
    });

    expect(await client.settled()).toEqual([{ event: 'report_ready', data, timestamp: '2026-11-09T12:00:00.123Z' }]);
  });

  it('can be asked for from their first on, in their workspace alone', async () => {
    client.send({ type: 'subscribe', event_types: ['deployed'] });
    expect(await client.next()).toMatchObject({ error: 'Unknown event type deployed' });
    expect(await client.next()).toMatchObject({ event_types: [] });
    const stranger = await watch(`${workspace}-next-door`);
    await publish('deployed');
    expect(await client.settled()).toEqual([]);

    expect(await client.subscribe('deployed')).toMatchObject({ event_types: ['deployed'] });
    await publish('deployed', { version: 2 });
    expect(await client.settled()).toEqual([{ event: 'deployed', data: { version: 2 }, timestamp: ISO }]);

    stranger.send({ type: 'subscribe', event_types: ['deployed'] });
    expect(await stranger.next()).toMatchObject({ error: 'Unknown event type deployed' });
    await stranger.close();
  });

  it('of one type come from every channel on which it is declared, or came before', async () => {
    await publish('report_ready', {}, 'drafts.events');
    await client.subscribe('report_ready');
    for (const channel of ['reports.events', 'archive.events', 'drafts.events']) {
      await publish('report_ready', { channel }, channel);
    }

    expect((await client.settled()).map(({ data }) => (data as { channel: string }).channel)).toEqual([
      'reports.events',
      'archive.events',
      'drafts.events',
    ]);
  });

  it('of one type come from a channel, too, on which it comes for the first time', async () => {
    await client.subscribe('report_ready', 'alert');
    await publish('report_ready', { number: 1 }, 'fresh.events');
    // Two types that this client watches and one that it doesn't, on one channel.
    await publish('alert', { number: 2 }, 'fresh.events');
    await publish('Report.Failed-1', { number: 3 }, 'fresh.events');
    await publish('report_ready', { number: 4 }, 'fresh.events');
    expect((await client.settled()).map(({ data }) => data)).toEqual([{ number: 1 }, { number: 2 }, { number: 4 }]);

    expect(await client.unsubscribe('report_ready')).toMatchObject({ event_types: ['alert'] });
    await publish('report_ready', {}, 'fresh.events');
    await publish('report_ready', {}, 'freshest.events');
    await publish('alert', { number: 5 }, 'freshest.events');
    expect((await client.settled()).map(({ data }) => data)).toEqual([{ number: 5 }]);
  });

  it('of another type on the same channel do not arrive', async () => {
    await client.subscribe('report_ready');
    await publish('Report.Failed-1');
    await publish('report_ready');
    await publish('unheard_of');

    expect((await client.settled()).map(({ event }) => event)).toEqual(['report_ready']);
  });

  it('stop for a type that is unsubscribed from, and not for the others of its channel', async () => {
    await client.subscribe('report_ready', 'Report.Failed-1');
    await client.unsubscribe('report_ready');
    await publish('report_ready');
    await publish('Report.Failed-1');

    expect((await client.settled()).map(({ event }) => event)).toEqual(['Report.Failed-1']);
  });

  it('that share a name with a built-in type come beside it', async () => {
    await publish('alert', {}, 'fire.events');
    await client.subscribe('alert');
    await events.alert(workspace, { type: 'budget', message: 'over', priority: 'low' });
    await publish('alert', { type: 'fire', priority: 'critical' }, 'fire.events');
    await publish('alert', { type: 'drill' }, 'fire.events');

    expect(await client.settled()).toEqual([
      { event: 'alert', data: { type: 'budget', message: 'over', priority: 'low' }, priority: 'low', timestamp: ISO },
      { event: 'alert', data: { type: 'fire', priority: 'critical' }, priority: 'critical', timestamp: ISO },
      // Its host did not say.
      { event: 'alert', data: { type: 'drill' }, priority: null, timestamp: ISO },
    ]);
  });

  it('look as those that are recorded', async () => {
    await client.subscribe('execution_started', 'execution_completed');
    await events.executionStarted(workspace, { agentId: 'agent-1', runId: 'run-1', userId: 'user-1' });
    await events.executionCompleted(workspace, {
      agentId: 'agent-1',
      runId: 'run-1',
      success: false,
      runtimeSeconds: 45.2,
      creditsConsumed: 0.15,
    });

    expect(await client.settled()).toEqual([
      {
        event: 'execution_started',
        data: { agent_id: 'agent-1', run_id: 'run-1', user_id: 'user-1', started_at: ISO },
        timestamp: ISO,
      },
      {
        event: 'execution_completed',
        data: {
          agent_id: 'agent-1',
          run_id: 'run-1',
          success: false,
          runtime_seconds: 45.2,
          credits_consumed: 0.15,
          completed_at: ISO,
        },
        timestamp: ISO,
      },
    ]);
  });

  it('of metrics of its own come beside those that are collected', async () => {
    await client.subscribe('metrics_update');
    const metrics = { total_executions: 1234, active_agents: 5, credits_consumed: 123.45 };
    await events.metricsUpdate(workspace, metrics);

    const isTheHosts = ({ data }: Record<string, unknown>) =>
      (data as { total_executions?: number } | undefined)?.total_executions === 1234;
    expect(await client.find(isTheHosts)).toEqual({ event: 'metrics_update', data: metrics, timestamp: ISO });
    expect(await client.next({ event: 'metrics_update' })).toMatchObject({ data: { total_executions: 0 } });
  });
});
