import { Injectable } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import { CollectMetrics, EventsService } from 'nestjs-metricast';
import type { DataSource } from 'typeorm';
import { DEFAULT_ENDPOINTS } from '../../src/metricast.options.js';
import { DATA_SOURCE } from '../../src/store/index.js';
import { SECRET, tokenWith } from './app.js';
import { RunningHost, createHost, hostModule } from './host.js';
import { HttpStandIn } from './http-stand-in.js';
import type { Heard, Listener } from './listener.js';
import { changeSettings } from './settings.js';
import { Stage } from './stage.js';
import { alert, completion, decision, gauge, run } from './test-tenant.js';

/** Messages that a subject may send in a minute: more than any listener has to say, but for one. */
const LIMIT = 30;
const EVENTS = ['ExecutionStarted', 'ExecutionCompleted', 'Alert', 'HostEvent'];
const STATES = 'System Workflow Agent Executions Distributed Skills Tools Routing Host'
  .split(' ')
  .map((name) => `channels${name}State`);
const STATE_CHANNELS = 'system workflow agent executions distributed skills tools routing queue'
  .split(' ')
  .map((name) => `${name}.metrics`);
const CHANNELS = [
  ...['orders.metrics', 'broken.metrics', 'nope.metrics', ...STATE_CHANNELS],
  ...['executions.events', 'alerts.events', 'deploys.events'],
];
const EVENT_TYPES = ['execution_started', 'execution_completed', 'metrics_update', 'alert', 'deployed', 'nope'];

/** What a host of its own collects and publishes. */
@Injectable()
class Operations {
  constructor(readonly events: EventsService) {}

  @CollectMetrics('queue.metrics')
  queue() {
    return { waiting: 3, oldest: { seconds: null } };
  }

  @CollectMetrics('broken.metrics')
  broken(): never {
    throw new Error('out of order');
  }
}

/** Everything that a server says, in every dialect and by both transports, to clients that do all that they can. */
export async function recordTraffic(): Promise<readonly Heard[]> {
  const upstream = await HttpStandIn.start((_request, response) => response.end('{"model":"mlx","total":7}'));
  // On its port nobody listens any more.
  const gone = await HttpStandIn.start(() => undefined);
  await gone.close();
  const options = {
    auth: { secret: SECRET },
    updateInterval: 0.1,
    heartbeatInterval: 2,
    maxMessagesPerMinute: LIMIT,
    tags: { env: 'test' },
    eventTypes: { 'deploys.events': ['deployed'] },
    upstreams: { embeddings: upstream.url, compression: gone.url },
  };
  const host = await RunningHost.listen(await createHost('express', hostModule({ providers: [Operations] }, options)));
  const stage = new Stage(host);
  try {
    await Promise.all([
      hearNothingHappen(stage),
      hearEverythingHappen(stage),
      hearWindows(stage),
      hearThePast(stage),
      hearTheGateway(stage),
      hearTokensRefreshed(stage),
      hearSettingsChange(host, stage),
      hearRefusals(stage),
    ]);
    await hearTheDatabaseFail(stage);
  } finally {
    await host.close();
    await upstream.close();
  }
  await Promise.all(stage.listeners.map(({ ended }) => ended));
  return stage.heard;
}

async function hearNothingHappen(stage: Stage): Promise<void> {
  const claims = { tenant_id: 'nobody' };
  const channels = await stage.open('channels', { claims });
  channels.send({ type: 'subscribe', data: { channels: STATE_CHANNELS } });
  const workspace = await stage.open('workspace', { claims });
  workspace.send({ type: 'request_metrics' });
  await Promise.all([
    channels.hears(...STATES),
    workspace.hears('workspaceRequestedMetrics'),
    (await stage.open('skills', { claims })).hears('skillsUpdate'),
    (await stage.open('tools', { claims })).hears('toolsMetrics'),
    (await stage.open('routing', { claims })).hears('routingMetrics'),
  ]);
}

async function hearEverythingHappen(stage: Stage): Promise<void> {
  await stage.post('metrics', gauge('orders.metrics'));
  const sockets = await openSockets(stage);
  const streams = await openStreams(stage);
  for (const { channels, points, workspace } of [sockets, streams]) {
    await Promise.all([channels, points].map((one) => one.hears('channelsSubscribed')));
    await workspace.hears('workspaceSubscribed');
  }
  await makeEverythingHappen(stage);
  for (const { channels, points, workspace, skills, tools, routing } of [sockets, streams]) {
    const events = EVENTS.map((name) => `channels${name}`);
    await channels.hears('channelsWelcome', 'channelsError', 'channelsPing', 'channelsPoint', ...STATES, ...events);
    await points.hears('channelsPoint');
    await workspace.hears('workspaceConnected', 'workspaceError', ...EVENTS.map((name) => `workspace${name}`));
    await workspace.hears('workspaceMetricsUpdate', 'workspaceHostMetricsUpdate');
    await skills.hears('skillsConnected', 'skillsUpdate');
    await tools.hears('toolsConnected', 'toolsMetrics');
    await routing.hears('routingMetrics');
  }
  await converse(sockets);
}

async function hearTokensRefreshed(stage: Stage): Promise<void> {
  const claims = { sub: 'whose token ends soon' };
  const channels = await stage.open('channels', { claims });
  channels.send({ type: 'refresh', id: 'new', token: tokenWith(claims) });
  channels.send({ type: 'refresh', token: 'nonsense' });
  await channels.hears('channelsRefreshed', 'channelsError');
}

/** A tenant of its own, which is switched off and on again under those who are connected. */
async function hearSettingsChange(host: RunningHost, stage: Stage): Promise<void> {
  const claims = { tenant_id: 'switched' };
  const channels = await stage.open('channels', { claims });
  channels.send({ type: 'subscribe', data: { channels: ['workflow.metrics'] } });
  const stream = await stage.stream('channels', { claims, query: 'channels=workflow.metrics' });
  const workspace = await stage.open('workspace', { claims });
  workspace.send({ type: 'subscribe', event_types: ['alert'] });
  const others = await Promise.all(
    (['skills', 'tools', 'routing'] as const).map((dialect) => stage.open(dialect, { claims })),
  );
  for (const listener of [channels, stream]) await listener.hears('channelsSubscribed');
  await workspace.hears('workspaceSubscribed');
  for (const changes of [
    { features: { workflows: false } },
    { metrics_streaming: false },
    { metrics_streaming: null },
  ]) {
    await changeSettings(host, { id: 'switched', token: (own) => tokenWith({ ...claims, ...own }) }, changes);
  }
  for (const listener of [channels, stream]) await listener.hears('channelsSettings');
  await Promise.all([
    workspace.hears('workspaceError'),
    others[0]!.hears('skillsError'),
    others[1]!.hears('toolsError'),
    others[2]!.hears('routingError'),
  ]);
}

/** A counter, a gauge and a histogram, and what a state is made of, second by second. */
async function hearWindows(stage: Stage): Promise<void> {
  const channels = ['orders.metrics', 'system.metrics'];
  await stage.post('metrics', gauge('orders.metrics'));
  const socket = await stage.open('channels');
  socket.send({ type: 'subscribe', data: { channels, aggregation_interval: '1s' } });
  const stream = await stage.stream('channels', { query: `channels=${channels.join()}&aggregation_interval=1s` });
  for (const listener of [socket, stream]) await listener.hears('channelsSubscribed');
  const types = ['counter', 'histogram', 'gauge'];
  await stage.post(
    'metrics',
    types.map((type) => gauge('orders.metrics', { type, tags: { of: 'windows' } })),
  );
  for (const listener of [socket, stream]) await listener.hears('channelsWindow');
}

/** Those who come back to a channel, or begin with its history. */
async function hearThePast(stage: Stage): Promise<void> {
  await stage.post('metrics', gauge('orders.metrics', { tags: { of: 'the past' } }));
  const recover = { 'orders.metrics': { epoch: 'of a server before', offset: 7 } };
  const [back, anew] = [await stage.open('channels'), await stage.open('channels')];
  back.send({ type: 'subscribe', data: { channels: ['orders.metrics', 'system.metrics'], recover } });
  anew.send({ type: 'subscribe', data: { channels: ['orders.metrics'], since: '2026-11-21T12:00:00Z' } });
  const stream = await stage.stream('channels', { query: 'channels=orders.metrics&lastEventId=orders.metrics@e:7' });
  for (const listener of [back, anew, stream]) await listener.hears('channelsSubscribed', 'channelsPoint');
}

/** Operators are told of the service itself, and may watch a channel more. */
async function hearTheGateway(stage: Stage): Promise<void> {
  const claims = { roles: ['operator'] };
  const channels = await stage.open('channels', { claims });
  channels.send({ type: 'subscribe', data: { channels: ['gateway.metrics'] } });
  channels.send({ type: 'presence', id: 'who', data: { channel: 'gateway.metrics' } });
  channels.send({ type: 'presence', data: {} });
  const stream = await stage.stream('channels', { claims, query: 'channels=gateway.metrics' });
  await Promise.all([
    channels.hears('channelsGatewayState', 'channelsPresence', 'channelsError'),
    stream.hears('channelsGatewayState'),
  ]);
}

/** Somebody for everything that there is to hear. */
interface Cast {
  readonly channels: Listener;
  /** Of the dialect `channels`, too. */
  readonly points: Listener;
  readonly workspace: Listener;
  readonly skills: Listener;
  readonly tools: Listener;
  readonly routing: Listener;
}

async function openSockets(stage: Stage): Promise<Cast> {
  const channels = await stage.open('channels');
  channels.send({ type: 'subscribe', id: 1, data: { channels: CHANNELS } });
  const points = await stage.open('channels');
  points.send({ type: 'subscribe', data: { channels: STATE_CHANNELS, format: 'points', compression: true } });
  const workspace = await stage.open('workspace');
  workspace.send({ type: 'subscribe', event_types: EVENT_TYPES });
  const skills = await stage.open('skills', { token: null });
  skills.send({ token: tokenWith() });
  return {
    channels,
    points,
    workspace,
    skills,
    tools: await stage.open('tools'),
    routing: await stage.open('routing'),
  };
}

async function openStreams(stage: Stage): Promise<Cast> {
  // A control character, which no name has.
  await (await stage.stream('skills', { query: 'skill=%01' })).hears('skillsError');
  await (await stage.stream('tools', { query: 'tool_id=%01' })).hears('toolsError');
  return {
    channels: await stage.stream('channels', { query: `channels=${CHANNELS.join()}` }),
    points: await stage.stream('channels', { query: `channels=${STATE_CHANNELS.join()}&format=points` }),
    workspace: await stage.stream('workspace', { query: `event_types=${EVENT_TYPES.join()}` }),
    skills: await stage.stream('skills'),
    tools: await stage.stream('tools', { query: 'tool_id=claude-code&session_id=s-1' }),
    routing: await stage.stream('routing'),
  };
}

async function makeEverythingHappen(stage: Stage): Promise<void> {
  const [now, hours] = [Date.now() / 1000, 3600];
  const [events, tenant] = [stage.host.app.get(Operations).events, 'acme'];
  const usage = { tool_id: 'claude-code', session_id: 's-1' };
  // Half an hour ago it began to fail.
  await stage.post('skills', [
    ...[2, 3, 4, 5, 6].map((ago) => run('lint', { timestamp: now - ago * hours, duration_seconds: 1.25 })),
    ...[0.4, 0.5].map((ago) => run('lint', { timestamp: now - ago * hours, completed: false })),
    run('typecheck', { completed: false }),
  ]);
  await stage.post('usage', [
    { ...usage, kind: 'embedding', count: 7, cache_hits: 3 },
    { ...usage, kind: 'compression', original_tokens: 1000, compressed_tokens: 400 },
    { ...usage, kind: 'response_cache', hits: 2, misses: 1 },
  ]);
  await stage.post('decisions', [decision({ confidence: 0.8 }), decision({ strategy: 'complexity', cost: 0 })]);
  await stage.post('executions', [
    completion('run-1', { status: 'started', kind: 'workflow', user_id: 'ada', ...usage }),
    completion('run-1', { runtime_seconds: 45.2, credits_consumed: 0.15 }),
    completion('run-2', { status: 'failed', kind: 'agent', runtime_seconds: 0 }),
    completion('run-3', { status: 'started' }),
    completion('run-4'),
  ]);
  await stage.post('alerts', [alert(), alert({ message: 'two\nlines', priority: 'critical' })]);
  await stage.post('metrics', [
    ...['counter', 'histogram', 'gauge'].map((type) =>
      gauge('orders.metrics', { type, value: 1e-7, tags: { shop: 'a' } }),
    ),
    gauge('distributed.metrics', { name: 'tasks.pending', value: 4 }),
    gauge('distributed.metrics', { name: 'tasks.completed', type: 'counter', value: 9 }),
  ]);
  await events.publish(tenant, 'deploys.events', { type: 'deployed', data: { version: null }, tags: { team: 'a' } });
  await events.publish(tenant, 'alerts.events', { type: 'alert', data: { text: 'of its own' } });
  await events.metricsUpdate(tenant, { queue_length: 3 });
}

/** Every command once, and mistakes. */
async function converse({ channels, points, workspace, skills, tools, routing }: Cast): Promise<void> {
  for (const listener of [channels, workspace, skills, tools, routing]) {
    listener.sendRaw('not JSON');
    listener.send({ type: 'nonsense' });
  }
  channels.send({ type: 'pong', timestamp: 0 });
  channels.send({ type: 'get_history', id: 'wrong' });
  for (const channel of ['orders.metrics', 'deploys.events']) {
    channels.send({ type: 'get_history', id: channel, data: { channel, start_time: 0, limit: 2 } });
  }
  const windows = { channel: 'orders.metrics', start_time: 0, aggregation_interval: '1m' };
  channels.send({ type: 'get_history', data: windows });
  channels.send({ type: 'subscribe', data: {} });
  channels.send({ type: 'ping', id: 2 });
  channels.send({ type: 'unsubscribe', channels: ['queue.metrics'] });
  // Nothing in MessagePack begins with this byte.
  points.sendRaw(Uint8Array.of(0xc1));
  workspace.send({ type: 'request_metrics', metric_type: 'executions' });
  workspace.send({ type: 'request_metrics', metric_type: 'nonsense' });
  workspace.send({ type: 'subscribe' });
  workspace.send({ type: 'ping' });
  workspace.send({ type: 'unsubscribe', event_types: ['alert'] });
  skills.send({ type: 'subscribe', skill: 'lint' });
  skills.send({ type: 'unsubscribe' });
  skills.send({ type: 'subscribe', skill: 7 });
  skills.send({ type: 'ping' });
  tools.send({ type: 'subscribe', tool_id: 'claude-code' });
  for (const listener of [tools, routing]) listener.send({ type: 'ping' });
  await channels.hears('channelsPong', 'channelsUnsubscribed', 'channelsHistory', 'channelsError');
  await points.ended;
  await workspace.hears('workspaceRequestedMetrics', 'workspacePong', 'workspaceUnsubscribed', 'workspaceError');
  await skills.hears('skillsSubscribed', 'skillsUnsubscribed', 'pong', 'skillsError');
  await tools.hears('pong', 'toolsError');
  await routing.hears('pong', 'routingError');
}

async function hearRefusals(stage: Stage): Promise<void> {
  for (const dialect of new Set(Object.values(DEFAULT_ENDPOINTS))) {
    await (
      await stage.open(dialect, { token: 'nonsense' })
    ).ended;
    await (
      await stage.open(dialect, { query: 'tenant_id=elsewhere' })
    ).ended;
    const recorder = await stage.open(dialect, { claims: { roles: ['ingest'] } });
    if (dialect === 'channels') recorder.send({ type: 'subscribe', id: 1, data: { channels: ['queue.metrics'] } });
    if (dialect === 'workspace') recorder.send({ type: 'subscribe', event_types: ['alert'] });
    await recorder.hears(`${dialect}Error`);
    const talker = await stage.open(dialect);
    for (let sent = 0; sent <= LIMIT; sent++) talker.send({ type: 'ping' });
    await talker.hears(`${dialect}Error`);
  }
}

async function hearTheDatabaseFail(stage: Stage): Promise<void> {
  const database = stage.host.app.get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false });
  await database.query('ALTER TABLE metricast_decision_bucket RENAME TO metricast_decision_bucket_away');
  const claims = { tenant_id: 'latecomer' };
  await (await stage.open('routing', { claims })).hears('routingError');
  await (await stage.stream('routing', { claims })).hears('routingError');
}
