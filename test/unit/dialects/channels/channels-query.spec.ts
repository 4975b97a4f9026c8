import { describe, expect, test } from 'vitest';
import { channelsDialect } from '../../../../src/dialects/channels/channels.dialect.js';
import { NO_FILTER } from '../../../../src/protocol/index.js';
import { filterOf } from '../../../support/publications.js';

function commandsOf(pairs: Record<string, string> | [string, string][]) {
  return channelsDialect.open(new URLSearchParams(pairs));
}

/** What somebody who came with this is told. */
function refusal(pairs: Record<string, string>): string {
  try {
    commandsOf({ channels: 'a.metrics', ...pairs });
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

describe('an address in channels', () => {
  test.each<Record<string, string>>([{}, { token: 'x', tags: '{"env":"a"}', format: 'points' }])(
    'without channels asks for nothing: %j',
    (pairs) => expect(commandsOf(pairs)).toEqual([]),
  );

  test.each([
    [[['channels', 'a.metrics']], ['a.metrics']],
    [[['channels', 'a.metrics,b.events']], ['a.metrics', 'b.events']],
    [
      [
        ['channels', 'a.metrics'],
        ['channels', 'b.events,no channel'],
      ],
      ['a.metrics', 'b.events', 'no channel'],
    ],
  ] as [[string, string][], string[]][])('%j subscribes, as a frame without options would', (pairs, channels) => {
    expect(commandsOf(pairs)).toEqual([channelsDialect.parse({ type: 'subscribe', data: { channels } })]);
  });

  test('may say how it wants them', () => {
    expect(commandsOf({ channels: 'a.metrics', tags: '{"env":["b","a"],"region":"x"}', format: 'points' })).toEqual([
      {
        type: 'subscribe',
        id: undefined,
        channels: ['a.metrics'],
        filter: filterOf({ env: ['a', 'b'], region: 'x' }),
        format: 'points',
        compression: undefined,
        replace: false,
      },
    ]);
    const past = { aggregation_interval: '1m', since: '2026-11-21T12:00:00Z' };
    expect(commandsOf({ channels: 'a.metrics', ...past })).toMatchObject([
      { interval: '1m', since: Date.UTC(2026, 10, 21, 12) },
    ]);
    expect(commandsOf({ channels: 'a.metrics', since: '1.5' })).toMatchObject([{ since: 1500 }]);
    expect(commandsOf({ channels: 'a.metrics', tags: 'null' })).toMatchObject([{ filter: NO_FILTER }]);
  });

  test.each([
    [{ tags: '' }, 'Subscription error: tags must be an object'],
    [{ tags: 'env=a' }, 'Subscription error: tags must be an object'],
    [{ tags: '{"env":' }, 'Subscription error: tags must be an object'],
    [{ tags: '["env"]' }, 'Subscription error: tags must be an object'],
    [{ tags: '{"env":7}' }, 'Subscription error: a tag value must be a printable text or a list of them'],
    [{ tags: '{"__proto__":"x"}' }, 'Subscription error: a tag name has a character or a word that is not allowed'],
    [{ format: '' }, 'Subscription error: format must be "snapshot" or "points"'],
    [{ format: 'csv' }, 'Subscription error: format must be "snapshot" or "points"'],
    [{ since: '' }, 'Subscription error: since must be ISO-8601 or Unix seconds'],
    [{ since: '1e3' }, 'Subscription error: since must be ISO-8601 or Unix seconds'],
    [{ since: '9'.repeat(400) }, 'Subscription error: since must be ISO-8601 or Unix seconds'],
    [{ aggregation_interval: '' }, 'Subscription error: aggregation_interval must be one of 1s, 5s, 1m, 5m, 1h'],
    [{ channels: 'a,'.repeat(1025) }, 'Subscription error: at most 1024 channels a frame'],
  ])('says what is wrong with %j', (pairs, message) => expect(refusal(pairs as Record<string, string>)).toBe(message));
});
