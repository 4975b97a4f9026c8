import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventsService } from 'nestjs-metricast';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, alert, completion } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('events over %s', (encoding) => {
  let app: TestApp;
  let events: EventsService;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, eventTypes: { 'reports.events': ['report_ready'] } });
    events = app.app.get(EventsService, { strict: false });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  const timestamp = '2026-11-09T12:00:00.123Z';
  const record = async (what: 'executions' | 'alerts', ...items: object[]) => {
    expect(await tenant.record(what, items)).toMatchObject({ status: 202, body: { rejected: [] } });
  };

  it('of executions arrive as they are, to the field', async () => {
    await client.subscribe(['executions.events']);
    const run = { run_id: 'run-1', agent_id: 'agent-1', user_id: 'ada', kind: 'agent', tool_id: 'grep', timestamp };
    await record('executions', { ...run, status: 'started' });
    await record('executions', { ...run, status: 'failed', runtime_seconds: 45.2, credits_consumed: 0.15 });

    const common = {
      channel: 'executions.events',
      timestamp,
      tags: { agent_id: 'agent-1', kind: 'agent', tool_id: 'grep', user_id: 'ada' },
    };
    expect(await client.settled()).toEqual([
      {
        ...common,
        event: 'execution_started',
        data: { agent_id: 'agent-1', run_id: 'run-1', user_id: 'ada', started_at: timestamp },
        offset: 1,
      },
      {
        ...common,
        event: 'execution_completed',
        data: {
          agent_id: 'agent-1',
          run_id: 'run-1',
          success: false,
          runtime_seconds: 45.2,
          credits_consumed: 0.15,
          completed_at: timestamp,
        },
        offset: 2,
      },
    ]);
  });

  it('of alerts arrive as they are, to the field', async () => {
    await client.subscribe(['alerts.events']);
    const data = { type: 'budget', message: 'größte\n"Last"', priority: 'critical' };
    await record('alerts', { ...data, timestamp });

    expect(await client.settled()).toEqual([
      {
        channel: 'alerts.events',
        event: 'alert',
        data,
        timestamp,
        tags: { priority: 'critical', type: 'budget' },
        offset: 1,
      },
    ]);
  });

  it('that a host publishes arrive as they are, to the field', async () => {
    await client.subscribe(['reports.events']);
    const data = { pages: 12, ratio: 0.5, list: [1, 'two', null], nested: { deep: true } };
    await events.publish(tenant.id, 'reports.events', { type: 'report_ready', data, timestamp, tags: { team: 'a' } });
    await events.publish(tenant.id, 'reports.events', { type: 'Report.Failed-1', data: {}, timestamp });

    expect(await client.settled()).toEqual([
      { channel: 'reports.events', event: 'report_ready', data, timestamp, tags: { team: 'a' }, offset: 1 },
      { channel: 'reports.events', event: 'Report.Failed-1', data: {}, timestamp, tags: {}, offset: 2 },
    ]);
  });

  it('of the metrics that a host publishes come on executions.events', async () => {
    await client.subscribe(['executions.events']);
    await events.metricsUpdate(tenant.id, { total_executions: 7 });

    expect(await client.settled()).toMatchObject([
      { event: 'metrics_update', data: { total_executions: 7 }, tags: {} },
    ]);
  });

  it('arrive in the order of their recording, numbered without a gap, each channel by itself', async () => {
    await client.subscribe(['alerts.events', 'executions.events']);
    const alerts = Array.from({ length: 300 }, (_, at) => alert({ message: `alert ${at}` }));
    await record('alerts', ...alerts);
    await record('executions', completion('a'), completion('b'), completion('a'));
    await record('alerts', alert({ message: 'last' }));

    const received = await client.settled();
    const of = (channel: string) => received.filter((message) => message['channel'] === channel);

    expect(of('alerts.events').map(({ data }) => (data as { message: string }).message)).toEqual([
      ...alerts.map(({ message }) => message),
      'last',
    ]);
    expect(of('alerts.events').map(({ offset }) => offset)).toEqual(Array.from({ length: 301 }, (_, at) => at + 1));
    // A second end of an execution is no event, and has no number.
    expect(of('executions.events').map(({ offset }) => offset)).toEqual([1, 2]);
    expect(received.at(-1)).toMatchObject({ channel: 'alerts.events' });
  });

  it('are numbered while nobody is subscribed, and the acknowledgement says how far', async () => {
    await record('alerts', alert(), alert());
    const { positions } = await client.subscribe(['alerts.events']);
    await record('alerts', alert());

    expect(positions).toEqual({ 'alerts.events': { epoch: expect.any(String) as string, offset: 2 } });
    expect(await client.settled()).toMatchObject([{ offset: 3 }]);
  });

  it('look the same to who asked for points', async () => {
    await client.subscribe(['alerts.events'], { format: 'points' });
    await record('alerts', alert({ timestamp }));

    expect(await client.settled()).toMatchObject([{ event: 'alert', data: { message: 'over budget' }, offset: 1 }]);
  });

  it('reach every subscriber of the tenant, and nobody of another', async () => {
    const [colleague, stranger] = [await tenant.watch(encoding), await new TestTenant(app).watch(encoding)];
    for (const each of [client, colleague, stranger]) await each.subscribe(['alerts.events']);
    await record('alerts', alert());

    expect(await client.settled()).toHaveLength(1);
    expect(await colleague.settled()).toHaveLength(1);
    expect(await stranger.settled()).toEqual([]);
    await Promise.all([colleague.close(), stranger.close()]);
  });

  it('make no channel known that was not declared, until the first is published: in its tenant alone', async () => {
    const unknown = { type: 'error', code: 'unknown_channel', channel: 'fresh.events' };
    const stranger = await new TestTenant(app).watch(encoding);
    expect(await client.subscribe(['fresh.events'])).toMatchObject(unknown);

    await events.publish(tenant.id, 'fresh.events', { type: 'first', data: { number: 1 } });
    expect(await client.subscribe(['fresh.events'])).toMatchObject({ channels: ['fresh.events'] });
    await events.publish(tenant.id, 'fresh.events', { type: 'second', data: { number: 2 } });

    expect(await client.settled()).toMatchObject([{ event: 'second', data: { number: 2 }, offset: 2 }]);
    expect(await stranger.subscribe(['fresh.events'])).toMatchObject(unknown);
    await stranger.close();
  });

  it('of a declared channel can be waited for in every tenant, and only on that channel', async () => {
    expect(await client.subscribe(['reports.events'])).toMatchObject({ channels: ['reports.events'] });
    await client.ask({ type: 'unsubscribe' });
    for (const channel of ['reports.metrics', 'report_ready.events', 'Reports.events']) {
      expect(await client.subscribe([channel])).toMatchObject({ code: 'unknown_channel' });
    }
  });

  it('cannot be recorded as values, nor values as events', async () => {
    const { body } = await tenant.record('metrics', {
      channel: 'alerts.events',
      name: 'n',
      type: 'gauge',
      value: 1,
    });

    expect(body).toMatchObject({ errors: [{ field: '0.channel' }] });
    await expect(events.publish(tenant.id, 'orders.metrics', { type: 'placed', data: {} })).rejects.toThrow(
      /^channel: must be NAME\.events/,
    );
    expect(await client.subscribe(['orders.metrics'])).toMatchObject({ code: 'unknown_channel' });
  });

  it('stop with the unsubscribe', async () => {
    await client.subscribe(['alerts.events', 'executions.events']);
    await client.ask({ type: 'unsubscribe', channels: ['alerts.events'] });
    await record('alerts', alert());
    await record('executions', completion('a'));

    expect((await client.settled()).map(({ channel }) => channel)).toEqual(['executions.events']);
  });
});
