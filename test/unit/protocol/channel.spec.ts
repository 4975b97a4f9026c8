import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUILT_IN_CHANNELS, parseChannelName } from '../../../src/protocol/index.js';

const character = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789_.-'.split(''));

describe('a channel name', () => {
  test.each(['a.metrics', 'a.events', 'team-1.queue_2.metrics', '0.events', '..metrics', 'a.metrics.events'])(
    'may be %s',
    (name) => expect(parseChannelName(name)).toBe(name),
  );

  test.each([
    'metrics',
    '.metrics',
    'a.metric',
    'a.metricsx',
    'ametrics',
    'A.metrics',
    'a b.metrics',
    'a.metrics\n',
    '\na.metrics',
    'ä.metrics',
    'a/b.metrics',
    '__proto__',
    '',
  ])('is not %j', (name) => expect(parseChannelName(name)).toBeUndefined());

  test.each([undefined, null, 7, {}, ['a.metrics'], new String('a.metrics')])('is not %o', (value) =>
    expect(parseChannelName(value)).toBeUndefined(),
  );

  test.each(['.metrics', '.events'])('has at most 128 characters, the ending %s included', (ending) => {
    const longest = 'a'.repeat(128 - ending.length) + ending;
    expect(parseChannelName(longest)).toBe(longest);
    expect(parseChannelName(`a${longest}`)).toBeUndefined();
  });

  test('is any text of its characters with an ending', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: character, minLength: 1, maxLength: 120 }),
        fc.constantFrom('metrics', 'events'),
        (name, kind) => {
          expect(parseChannelName(`${name}.${kind}`)).toBe(`${name}.${kind}`);
        },
      ),
    );
  });

  test('is every built-in one', () => {
    expect(BUILT_IN_CHANNELS.size).toBe(10);
    for (const channel of BUILT_IN_CHANNELS) expect(parseChannelName(channel)).toBe(channel);
  });
});
