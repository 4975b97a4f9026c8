import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../../src/protocol/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { AsyncApi } from '../../support/asyncapi.js';
import { type Stream, CHANNELS, STATES, mistakesIn } from '../../support/merged-stream.js';
import { failureFor, stateFor } from '../../support/publications.js';
import { LARGE, StallingReader } from '../../support/stalling-reader.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient, type WireMessage } from '../../support/wire-client.js';

interface Case {
  readonly dialect: string;
  readonly path: string;
  /** What its states are of. */
  readonly channel: string;
  /** What has to be sent to be sent them. */
  readonly subscribe?: WireMessage;
  /** The answer to a ping. */
  readonly pong: WireMessage;
  readonly stream: Stream;
}

const PONG = { type: 'pong' };
const SUBSCRIBE = { type: 'subscribe', data: { channels: ['skills.metrics'] } };

describe.each<Case>([
  { dialect: 'skills', path: '/ws/skills?', channel: 'skills.metrics', pong: PONG, stream: STATES },
  { dialect: 'tools', path: '/ws/tools?', channel: 'tools.metrics', pong: PONG, stream: STATES },
  { dialect: 'routing', path: '/ws/routing?', channel: 'routing.metrics', pong: PONG, stream: STATES },
  {
    dialect: 'workspace',
    path: '/ws?event_types=metrics_update',
    channel: 'executions.metrics',
    pong: { event: 'pong' },
    stream: STATES,
  },
  {
    dialect: 'channels',
    path: '/ws/metrics?',
    channel: 'skills.metrics',
    subscribe: SUBSCRIBE,
    pong: PONG,
    stream: CHANNELS,
  },
])('states in the dialect $dialect, where a client stops reading', ({ path, channel, subscribe, pong, stream }) => {
  let app: TestApp;
  let tenant: TestTenant;
  let quick: WireClient;
  let slow: WireClient;
  let reader: StallingReader;
  beforeAll(async () => {
    // No tick of its own comes between.
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 600 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    const open = async () => {
      const client = await WireClient.open(app.url(`${path}&token=${tenant.token()}`, 'ws'));
      if (subscribe) client.send(subscribe);
      await settled(client);
      return client;
    };
    quick = await open();
    slow = await open();
    reader = new StallingReader(app, tenant, slow.socket);
    return async () => {
      slow.socket.terminate();
      await quick.close();
    };
  });

  /** Whatever came, and is still to come from what the server has done up to now. */
  const settled = async (client: WireClient) => {
    client.send({ type: 'ping' });
    return (await client.upTo(pong)).slice(0, -1);
  };
  const large = (number: number) => stateFor(undefined, { timestamp: number, data: { number, text: LARGE } });
  const failure = (timestamp: number): Failure => ({ ...failureFor(), timestamp });
  /** Stops reading, while so many are published that most of them wait. */
  const stall = () => {
    slow.socket.pause();
    const { conflated } = reader.connection.outbox;
    return reader.publishUntil(() => reader.connection.outbox.conflated >= conflated + 20, channel, large);
  };

  it('are replaced by newer ones, each frame says for how many it stands, and then each comes by itself', async () => {
    const count = await stall();
    reader.readOn();

    const [seen, all] = [await settled(slow), await settled(quick)];
    expect(all).toHaveLength(count);
    expect(mistakesIn(seen, all, stream)).toEqual([]);
    expect(stream.ordinalOf(seen.at(-1)!)).toBe(stream.ordinalOf(all.at(-1)!));
    expect(seen.at(-1)!['conflated']).toBeGreaterThan(1);
    expect(seen.length).toBeLessThanOrEqual(count - 20 + 1);

    await reader.publish(channel, large(count + 1), failure(count + 2));
    const after = await settled(slow);
    expect(after).toHaveLength(2);
    expect(after).toEqual(await settled(quick));
  });

  it('are replaced by the news that they cannot be collected, and replace it', async () => {
    const count = await stall();
    await reader.publish(channel, failure(count + 1));
    reader.readOn();
    const { conflated, ...last } = (await settled(slow)).at(-1)!;
    expect(conflated).toBeGreaterThan(1);
    expect(last).toEqual((await settled(quick)).at(-1));
    expect(JSON.stringify(last)).toContain('Failed to fetch metrics');

    await stall();
    await reader.publish(channel, failure(0), large(1));
    reader.readOn();
    const state = (await settled(slow)).at(-1)!;
    expect(state['conflated']).toBeGreaterThan(1);
    expect(JSON.stringify(state)).toContain(LARGE);
  });
});

it('are documented: states, failures of them and values may say for how many they stand, and nothing else may', async () => {
  const api = await AsyncApi.read();
  const sent = Object.values(api.document.channels).flatMap((channel) => api.sentOn(channel));
  const mayBeMerged = (name: string) => {
    const { payload } = api.document.components.messages[name]!.examples[0]!;
    return api.differences({ ...payload, conflated: 2 }, name).length === 0;
  };

  const states = 'System Workflow Agent Executions Distributed Gateway Skills Tools Routing Host'.split(' ');
  const names = [...states.map((name) => `channels${name}State`), 'channelsPoint', 'channelsWindow', 'channelsError'];
  names.push('workspaceMetricsUpdate', 'workspaceError', 'skillsUpdate', 'skillsError', 'toolsMetrics', 'toolsError');
  names.push('routingMetrics', 'routingError');
  expect([...new Set(sent)].filter(mayBeMerged).sort()).toEqual(names.sort());
});
