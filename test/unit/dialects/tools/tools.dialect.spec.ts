import { describe, expect, test } from 'vitest';
import { toolsDialect } from '../../../../src/dialects/tools/tools.dialect.js';
import { CLOSE, MetricastError, NO_FILTER, TOOLS_METRICS, canonicalKey } from '../../../../src/protocol/index.js';
import { greetingWith } from '../../../support/greetings.js';
import { eventWith, failureFor, filterOf, publicationOf, sampleWith, stateFor } from '../../../support/publications.js';

const NOON = Date.UTC(2026, 10, 21, 12);
const timestamp = '2026-11-21T12:00:00.000Z';

const wanting = (pairs: Record<string, string>) => ({
  type: 'subscribe',
  channels: [TOOLS_METRICS],
  filter: filterOf(pairs),
  format: 'snapshot',
  replace: true,
  atOnce: true,
});

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

const badId = (name: string) =>
  `Subscription error: ${name} must be a printable text of at most 200 characters, or null`;

describe('the tools dialect', () => {
  test.each([
    ['', null, null],
    ['tool_id=&session_id=', null, null],
    ['tool_id=grep', 'grep', null],
    ['session_id=s%201', null, 's 1'],
    ['tool_id=grep&session_id=s', 'grep', 's'],
    // What cannot be an id is answered with an error, and is not said again.
    ['tool_id=a%0Ab', null, null],
    [`tool_id=${'x'.repeat(201)}`, null, null],
  ])('greets with the interval, and with what the address %j narrows to', (query, tool_id, session_id) => {
    expect(toolsDialect.greet(greetingWith({ query: new URLSearchParams(query), updateInterval: 2.5 }))).toEqual([
      { type: 'connected', message: 'WebSocket connection established', interval: 2.5, tool_id, session_id },
    ]);
  });

  test.each([
    ['', {}],
    ['tool_id=&session_id=', {}],
    ['tool_id=grep', { tool_id: 'grep' }],
    ['session_id=s&tool_id=grep', { session_id: 's', tool_id: 'grep' }],
  ])('shows at once what the address %j narrows to', (query, pairs) => {
    expect(toolsDialect.open(new URLSearchParams(query))).toEqual([wanting(pairs as Record<string, string>)]);
  });

  test('refuses an address with what cannot be an id', () => {
    expect(refusal(() => toolsDialect.open(new URLSearchParams('tool_id=a%0Ab')))).toBe(badId('tool_id'));
    expect(refusal(() => toolsDialect.open(new URLSearchParams(`session_id=${'x'.repeat(201)}`)))).toBe(
      badId('session_id'),
    );
  });

  test.each([
    [{}, {}],
    [{ tool_id: null, session_id: undefined }, {}],
    [{ tool_id: 'grep' }, { tool_id: 'grep' }],
    [{ session_id: '漢字' }, { session_id: '漢字' }],
    [
      { tool_id: '__proto__', session_id: 'x'.repeat(200) },
      { tool_id: '__proto__', session_id: 'x'.repeat(200) },
    ],
  ])('narrows by a subscribe to %j', (fields, pairs) => {
    expect(toolsDialect.parse({ type: 'subscribe', ...fields })).toEqual(wanting(pairs as Record<string, string>));
  });

  test('names a filter by one key, in whatever order a frame has its fields', () => {
    const [one, other] = [
      { tool_id: 'a', session_id: 'b' },
      { session_id: 'b', tool_id: 'a' },
    ].map((fields) => toolsDialect.parse({ type: 'subscribe', ...fields }));
    expect(one).toEqual(other);
    const keyOf = (command: typeof one) => (command?.type === 'subscribe' ? canonicalKey(command.filter) : undefined);
    expect(keyOf(one)).toBe(canonicalKey(filterOf({ tool_id: 'a', session_id: 'b' })));
    expect(keyOf(other)).toBe(keyOf(one));
  });

  test.each(['tool_id', 'session_id'])('refuses a %s that can be none', (name) => {
    for (const id of ['', 'x'.repeat(201), 'a\nb', 7, true, [], ['a'], {}]) {
      expect(refusal(() => toolsDialect.parse({ type: 'subscribe', [name]: id }))).toBe(badId(name));
    }
  });

  test.each([
    [{}, null, null],
    [{ tool_id: 'grep' }, 'grep', null],
    [{ tool_id: 'grep', session_id: 's' }, 'grep', 's'],
    // A token may limit its holder to several.
    [{ tool_id: ['grep', 'sed'], session_id: 's' }, null, 's'],
  ])('says a state as metrics, and what they are narrowed to: %j', (pairs, tool_id, session_id) => {
    const data = { embeddings: { status: 'healthy' } };
    const state = stateFor(filterOf(pairs as Record<string, string | string[]>), { timestamp: NOON, data });
    expect(toolsDialect.render(publicationOf(state), 'snapshot')).toEqual([
      { type: 'metrics', timestamp, data, tool_id, session_id },
    ]);
  });

  test('says a failure as an error, and has no words for samples and events', () => {
    const failure = { ...failureFor(), timestamp: NOON };
    expect(toolsDialect.render(publicationOf(failure), 'snapshot')).toEqual([
      { type: 'error', error: 'Failed to fetch metrics', timestamp },
    ]);
    expect(toolsDialect.render(publicationOf(sampleWith()), 'snapshot')).toEqual([]);
    expect(toolsDialect.render(publicationOf(eventWith()), 'snapshot')).toEqual([]);
  });

  test('answers a ping with a pong and nothing beside, and a subscribe by the metrics alone', () => {
    expect(toolsDialect.parse({ type: 'ping' })).toEqual({ type: 'ping' });
    expect(toolsDialect.renderReply({ type: 'pong', command: { type: 'ping' } }, NOON)).toEqual({ type: 'pong' });
    const command = toolsDialect.parse({ type: 'subscribe' });
    if (command.type !== 'subscribe') throw new Error(command.type);
    const subscribed = { type: 'subscribed', command, channels: [TOOLS_METRICS], positions: {} } as const;
    expect(toolsDialect.renderReply(subscribed, NOON)).toBeUndefined();
  });

  test.each([{}, { type: null }, { type: 'unsubscribe' }, { type: 'SUBSCRIBE' }, { type: 'toString' }])(
    'knows no type for %j',
    (frame) => expect(refusal(() => toolsDialect.parse(frame))).toBe('Unknown message type'),
  );

  test('says an error with its text and when, and no more', () => {
    expect(toolsDialect.renderError(new MetricastError('rate_limited', { retryAfter: 12 }), NOON, 7)).toEqual({
      type: 'error',
      error: 'Rate limit exceeded',
      timestamp,
    });
  });

  test('tells who is not let in with the code that its clients know, and all others as every dialect', () => {
    expect(toolsDialect.close!(CLOSE.unauthorized)).toEqual({ code: 1008, reason: 'Unauthorized', reconnect: false });
    expect(toolsDialect.close!(CLOSE.tokenExpired)).toMatchObject({ code: 1008 });
    for (const close of [CLOSE.forbidden, CLOSE.goingAway, CLOSE.slowConsumer, CLOSE.silent, CLOSE.internal]) {
      expect(toolsDialect.close!(close)).toBe(close);
    }
  });

  test('wants everything where nothing is said: the filter of nothing', () => {
    const [command] = toolsDialect.open(new URLSearchParams());
    expect(command?.type === 'subscribe' && canonicalKey(command.filter)).toBe(canonicalKey(NO_FILTER));
  });
});
