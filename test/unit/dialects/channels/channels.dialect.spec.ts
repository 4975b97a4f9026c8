import { describe, expect, test } from 'vitest';
import { channelsDialect } from '../../../../src/dialects/channels/channels.dialect.js';
import { type CommandOf, MetricastError, NO_FILTER } from '../../../../src/protocol/index.js';
import { greetingWith } from '../../../support/greetings.js';
import { ACME } from '../../../support/principals.js';
import {
  ORDERS,
  channelName,
  eventWith,
  failureFor,
  publicationOf,
  sampleWith,
  stateFor,
} from '../../../support/publications.js';

const NOON = Date.UTC(2026, 10, 21, 12);
const NOON_TEXT = '2026-11-21T12:00:00.000Z';

/** As it stands on the wire: what is undefined is not there. */
function onWire(message: object): unknown {
  return JSON.parse(JSON.stringify(message));
}

const subscribe: CommandOf<'subscribe'> = {
  type: 'subscribe',
  channels: [],
  filter: NO_FILTER,
  format: 'snapshot',
  replace: false,
};

describe('the channels dialect', () => {
  test('welcomes a connection, and subscribes it to nothing', () => {
    const greeting = greetingWith({ connectionId: 'an id', now: NOON + 250 });
    expect(channelsDialect.greet(greeting).map(onWire)).toEqual([
      {
        type: 'welcome',
        client_id: 'an id',
        timestamp: NOON / 1000 + 0.25,
        tenant_id: ACME,
        protocol: 'metricast.channels',
        heartbeat_interval: 30,
      },
    ]);
    expect(channelsDialect.open(new URLSearchParams())).toEqual([]);
  });

  test.each(['snapshot', 'points'] as const)('says a sample as it is, whatever the format: %s', (format) => {
    const sample = sampleWith({ type: 'counter', value: 42, timestamp: NOON, tags: { shop: 'north' } });
    expect(channelsDialect.render(publicationOf(sample, { offset: 8 }), format).map(onWire)).toEqual([
      {
        channel: ORDERS,
        name: 'orders.placed',
        type: 'counter',
        value: 42,
        timestamp: NOON_TEXT,
        tags: { shop: 'north' },
        offset: 8,
      },
    ]);
  });

  test.each(['snapshot', 'points'] as const)('says an event as it is, whatever the format: %s', (format) => {
    const event = eventWith({ type: 'placed', timestamp: NOON, tags: { shop: 'north' }, data: { order: 7 } });
    expect(channelsDialect.render(publicationOf(event, { offset: 8 }), format)).toEqual([
      {
        channel: ORDERS,
        event: 'placed',
        data: { order: 7 },
        timestamp: NOON_TEXT,
        tags: { shop: 'north' },
        offset: 8,
      },
    ]);
  });

  const state = stateFor(NO_FILTER, {
    timestamp: NOON,
    tags: { host: 'server1' },
    data: { cpu: { percent: 45.2 } },
    points: () => [1, 2].map((value) => sampleWith({ name: `p${value}`, value, timestamp: NOON })),
  });

  test('says a state as one message', () => {
    expect(channelsDialect.render(publicationOf(state, { offset: 2 }), 'snapshot').map(onWire)).toEqual([
      { channel: ORDERS, timestamp: NOON_TEXT, tags: { host: 'server1' }, cpu: { percent: 45.2 }, offset: 2 },
    ]);
  });

  test('says a state as its points, which share its number', () => {
    const messages = channelsDialect.render(publicationOf(state, { offset: 2 }), 'points').map(onWire);
    expect(messages).toEqual(
      [1, 2].map((value) => ({
        channel: ORDERS,
        name: `p${value}`,
        type: 'gauge',
        value,
        timestamp: NOON_TEXT,
        tags: {},
        offset: 2,
      })),
    );
  });

  test('does not let a state say another channel, time, tags or number than its own', () => {
    const data = { channel: 'other.metrics', timestamp: 'never', tags: { host: 'other' }, offset: 99, waiting: 3 };
    const [message] = channelsDialect.render(publicationOf({ ...state, data }, { offset: 2 }), 'snapshot');
    expect(message).toEqual({
      channel: ORDERS,
      timestamp: NOON_TEXT,
      tags: { host: 'server1' },
      waiting: 3,
      offset: 2,
    });
    expect(Object.keys(message!)[0]).toBe('channel');
  });

  test('says which channel could not be collected', () => {
    expect(channelsDialect.render(publicationOf(failureFor()), 'snapshot').map(onWire)).toEqual([
      { type: 'error', message: 'Failed to fetch metrics', channel: ORDERS, code: 'collect_failed' },
    ]);
  });

  test('confirms a subscribe with all channels and how far they are', () => {
    const positions = { [ORDERS]: { epoch: 'e', offset: 7 } };
    const reply = { type: 'subscribed', command: { ...subscribe, id: 1 }, channels: [ORDERS], positions } as const;
    expect(onWire(channelsDialect.renderReply(reply, NOON)!)).toEqual({
      type: 'subscribed',
      channels: [ORDERS],
      positions,
      id: 1,
    });
  });

  test('says of each channel whether what was missed was replayed, and of all of them', () => {
    const positions = { [ORDERS]: { epoch: 'e', offset: 4, recovered: true } };
    const reply = { type: 'subscribed', command: subscribe, channels: [ORDERS], positions, recovered: true } as const;
    expect(onWire(channelsDialect.renderReply(reply, NOON)!)).toEqual({
      type: 'subscribed',
      channels: [ORDERS],
      positions,
      recovered: true,
    });
  });

  test('confirms an unsubscribe with the channels that are left', () => {
    const reply = { type: 'unsubscribed', command: { type: 'unsubscribe' }, channels: [ORDERS] } as const;
    expect(onWire(channelsDialect.renderReply(reply, NOON)!)).toEqual({ type: 'unsubscribed', channels: [ORDERS] });
  });

  test('answers a ping, and pings', () => {
    const reply = { type: 'pong', command: { type: 'ping', id: 'x' } } as const;
    expect(onWire(channelsDialect.renderReply(reply, NOON + 1)!)).toEqual({
      type: 'pong',
      timestamp: NOON / 1000 + 0.001,
      id: 'x',
    });
    expect(channelsDialect.heartbeat!(NOON)).toEqual({ type: 'ping', timestamp: NOON / 1000 });
  });

  test('says errors with their code, their channel, when to try again, and whose they are', () => {
    const channel = channelName('nope.metrics');
    expect(onWire(channelsDialect.renderError(new MetricastError('unknown_channel', { channel }), NOON, 1))).toEqual({
      type: 'error',
      message: 'Invalid subscription: unknown channel',
      code: 'unknown_channel',
      channel,
      id: 1,
    });
    expect(onWire(channelsDialect.renderError(new MetricastError('rate_limited', { retryAfter: 12 }), NOON))).toEqual({
      type: 'error',
      message: 'Rate limit exceeded',
      code: 'rate_limited',
      retry_after: 12,
    });
  });
});
