import { describe, expect, test } from 'vitest';
import { parseChannelsCommand } from '../../../../src/dialects/channels/parse-command.js';
import { NO_FILTER } from '../../../../src/protocol/index.js';
import { filterOf } from '../../../support/publications.js';

function parse(frame: Record<string, unknown>) {
  return parseChannelsCommand(frame);
}

function subscribe(data: Record<string, unknown>) {
  return parse({ type: 'subscribe', data: { channels: ['a.metrics'], ...data } });
}

/** What somebody who sent this is told. */
function refusal(frame: Record<string, unknown>): string {
  try {
    parse(frame);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

const refusedSubscribe = (data: Record<string, unknown>) =>
  refusal({ type: 'subscribe', data: { channels: ['a.metrics'], ...data } });

const BAD_SINCE = 'Subscription error: since must be ISO-8601 or Unix seconds';
const BAD_RECOVER = 'Subscription error: recover must hold {epoch, offset} by channel';

describe('a subscribe in channels', () => {
  test('with nothing but channels wants their snapshots, unfiltered, in the encoding as it is', () => {
    expect(parse({ type: 'subscribe', data: { channels: ['a.metrics', 'b.events'] } })).toEqual({
      type: 'subscribe',
      id: undefined,
      channels: ['a.metrics', 'b.events'],
      filter: NO_FILTER,
      format: 'snapshot',
      compression: undefined,
      replace: false,
    });
  });

  test('may say how it wants them', () => {
    const data = { tags: { env: 'a', region: ['y', 'x'] }, format: 'points', compression: true };
    expect(subscribe(data)).toMatchObject({
      filter: filterOf({ env: 'a', region: ['x', 'y'] }),
      format: 'points',
      compression: true,
    });
  });

  test('may want windows, and to begin with the past', () => {
    expect(subscribe({ aggregation_interval: '5m', since: '2026-11-21T12:00:00Z' })).toMatchObject({
      interval: '5m',
      since: Date.UTC(2026, 10, 21, 12),
    });
    expect(subscribe({ since: 1.5 })).toMatchObject({ since: 1500 });
    const position = { epoch: 'e', offset: 0 };
    expect(
      subscribe({ recover: { 'a.metrics': { ...position, recovered: true }, 'no channel': position } }),
    ).toMatchObject({
      recover: new Map([
        ['a.metrics', position],
        ['no channel', position],
      ]),
    });
  });

  test('takes null for absent', () => {
    const options = {
      tags: null,
      format: null,
      compression: null,
      since: null,
      recover: null,
      aggregation_interval: null,
    };
    expect(subscribe(options)).toEqual(subscribe({}));
  });

  test('takes a name that is none: whether a channel exists is answered for each', () => {
    expect(subscribe({ channels: ['no channel', '__proto__'] })).toMatchObject({
      channels: ['no channel', '__proto__'],
    });
  });

  test('takes 1024 channels and 32 tag pairs', () => {
    const names = (count: number) => Array.from({ length: count }, (_, at) => `c${at}.metrics`);
    const tags = (count: number) => Object.fromEntries(names(count).map((name) => [name, 'x']));
    expect(subscribe({ channels: names(1024), tags: tags(32) })).toMatchObject({ channels: names(1024) });
    expect(refusedSubscribe({ channels: names(1025) })).toBe('Subscription error: at most 1024 channels a frame');
    expect(refusedSubscribe({ tags: tags(33) })).toBe('Subscription error: at most 32 tag pairs');
  });

  test.each([undefined, null, [], 'a.metrics', 7, [7], [['a.metrics']], [null], {}])(
    'has a list of names as channels: %j is refused',
    (channels) => {
      expect(refusal({ type: 'subscribe', data: { channels } })).toBe(
        'Subscription error: channels must be a list of channel names',
      );
    },
  );

  test.each([undefined, null, [], 'a.metrics', 7])('has its options under data: %j is refused', (data) => {
    expect(refusal({ type: 'subscribe', data })).toBe('Subscription error: data must be an object');
    expect(refusal({ type: 'subscribe', channels: ['a.metrics'], data })).toMatch(/data must be an object/);
  });

  test.each([
    [{ compression: 'yes' }, 'Subscription error: compression must be a boolean'],
    [{ compression: 1 }, 'Subscription error: compression must be a boolean'],
    [{ format: 'xml' }, 'Subscription error: format must be "snapshot" or "points"'],
    [{ format: 1 }, 'Subscription error: format must be "snapshot" or "points"'],
    [{ tags: 'env=a' }, 'Subscription error: tags must be an object'],
    [{ tags: [] }, 'Subscription error: tags must be an object'],
    [{ tags: { env: 1 } }, 'Subscription error: a tag value must be a printable text or a list of them'],
    [{ tags: { env: [] } }, 'Subscription error: a tag value must be a printable text or a list of them'],
    [{ tags: { 'no name': 'x' } }, 'Subscription error: a tag name has a character or a word that is not allowed'],
    [{ aggregation_interval: '2s' }, 'Subscription error: aggregation_interval must be one of 1s, 5s, 1m, 5m, 1h'],
    [{ aggregation_interval: 5 }, 'Subscription error: aggregation_interval must be one of 1s, 5s, 1m, 5m, 1h'],
    ...['yesterday', '', -1, Number.NaN, {}, true].map((since): [Record<string, unknown>, string] => [
      { since },
      BAD_SINCE,
    ]),
    ...[
      [],
      'a.metrics',
      { 'a.metrics': null },
      { 'a.metrics': { offset: 1 } },
      { 'a.metrics': { epoch: 'e' } },
      { 'a.metrics': { epoch: 'e', offset: -1 } },
      { 'a.metrics': { epoch: 'e', offset: 1.5 } },
      { 'a.metrics': { epoch: 'e', offset: '1' } },
      { 'a.metrics': { epoch: '', offset: 1 } },
      { 'a.metrics': { epoch: 7, offset: 1 } },
      { 'a.metrics': { epoch: 'x'.repeat(129), offset: 1 } },
      Object.fromEntries(Array.from({ length: 1025 }, (_, at) => [`c${at}`, { epoch: 'e', offset: 1 }])),
    ].map((recover): [Record<string, unknown>, string] => [{ recover }, BAD_RECOVER]),
    [{ since: 0, recover: {} }, 'Subscription error: since and recover exclude each other'],
  ])('says what is wrong with %j', (data, message) => expect(refusedSubscribe(data)).toBe(message));
});

describe('an unsubscribe in channels', () => {
  test.each([
    [{ channels: ['a.metrics'] }, ['a.metrics']],
    [{ data: { channels: ['a.metrics'] } }, ['a.metrics']],
    [{}, undefined],
    [{ channels: null }, undefined],
    [{ data: {} }, undefined],
    [{ data: null, channels: ['a.metrics'] }, ['a.metrics']],
  ])('of %j is of these', (fields, channels) => {
    expect(parse({ type: 'unsubscribe', ...fields })).toEqual({ type: 'unsubscribe', id: undefined, channels });
  });

  test.each([[7], ['a.metrics'], [[]], [[7]]])('of %j is refused: it must not mean all', (channels) =>
    expect(refusal({ type: 'unsubscribe', channels })).toMatch(/channels must be a list/),
  );
});

describe('other frames in channels', () => {
  test.each(['ping', 'pong'])('are a %s', (type) => {
    expect(parse({ type })).toEqual({ type, id: undefined });
    expect(parse({ type, timestamp: 1.5 })).toEqual({ type, id: undefined });
  });

  test('ask for the presence of a channel, whatever it is called', () => {
    expect(parse({ type: 'presence', id: 1, data: { channel: 'a channel' } })).toEqual({
      type: 'presence',
      id: 1,
      channel: 'a channel',
    });
  });

  test.each([undefined, null, 'agent.metrics', [], {}, { channel: 7 }, { channel: ['agent.metrics'] }])(
    'ask for no presence with the data %j',
    (data) => expect(refusal({ type: 'presence', data })).toBe('Invalid request: channel must be a channel name'),
  );

  test('bring a newer token, or none', () => {
    expect(parse({ type: 'refresh', id: 1, token: 'a token' })).toEqual({ type: 'refresh', id: 1, token: 'a token' });
    for (const token of [undefined, null, 7, {}, ['a token']]) {
      expect(parse({ type: 'refresh', token })).toEqual({ type: 'refresh', id: undefined, token: '' });
    }
  });

  test.each(['SUBSCRIBE', 'authenticate', 'toString', '', 7, null, undefined, {}, ['ping']])(
    'of type %j are unknown',
    (type) => expect(refusal({ type })).toBe('Unknown message type'),
  );
});

describe('the id of a command', () => {
  test.each([0, -1, 1.5, 'a', 'a'.repeat(128), '漢字'])('may be %j', (id) => {
    for (const frame of [{ type: 'ping' }, { type: 'unsubscribe' }, { type: 'subscribe', data: { channels: ['a'] } }]) {
      expect(parse({ ...frame, id })).toMatchObject({ id });
    }
  });

  // As MessagePack may bring them, not only JSON.
  test.each([null, '', 'a'.repeat(129), 'a\nb', true, {}, [1], Number.NaN, Infinity, new Uint8Array(1)])(
    'that cannot go back is none: %o',
    (id) => expect(parse({ type: 'ping', id })).toEqual({ type: 'ping', id: undefined }),
  );
});
