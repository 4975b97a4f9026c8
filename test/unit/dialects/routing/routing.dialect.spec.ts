import { describe, expect, test } from 'vitest';
import { routingDialect } from '../../../../src/dialects/routing/routing.dialect.js';
import { MetricastError, NO_FILTER, ROUTING_METRICS } from '../../../../src/protocol/index.js';
import { greetingWith } from '../../../support/greetings.js';
import { eventWith, failureFor, publicationOf, sampleWith, stateFor } from '../../../support/publications.js';

const NOON = Date.UTC(2026, 10, 21, 12);
const timestamp = '2026-11-21T12:00:00.000Z';
const WANTED = {
  type: 'subscribe',
  channels: [ROUTING_METRICS],
  filter: NO_FILTER,
  format: 'snapshot',
  replace: true,
  atOnce: true,
} as const;

describe('the routing dialect', () => {
  test('greets nobody, and shows everyone the figures at once', () => {
    expect(routingDialect.greet(greetingWith())).toEqual([]);
    expect(routingDialect.open(new URLSearchParams())).toEqual([WANTED]);
    expect(routingDialect.open(new URLSearchParams('channels=a.metrics&tool_id=x'))).toEqual([WANTED]);
  });

  test('says a state bare, and when it was', () => {
    const data = { total_decisions: 3, avg_confidence: null, provider_usage: {} };
    expect(routingDialect.render(publicationOf(stateFor(NO_FILTER, { timestamp: NOON, data })), 'snapshot')).toEqual([
      { ...data, timestamp },
    ]);
  });

  test('says a failure as an error', () => {
    const failure = { ...failureFor(), timestamp: NOON };
    expect(routingDialect.render(publicationOf(failure), 'snapshot')).toEqual([
      { error: 'Failed to fetch metrics', timestamp },
    ]);
  });

  test('has no words for samples, events and acknowledgements', () => {
    expect(routingDialect.render(publicationOf(sampleWith()), 'snapshot')).toEqual([]);
    expect(routingDialect.render(publicationOf(eventWith()), 'snapshot')).toEqual([]);
    const subscribed = { type: 'subscribed', command: WANTED, channels: [ROUTING_METRICS], positions: {} } as const;
    expect(routingDialect.renderReply(subscribed, NOON)).toBeUndefined();
  });

  test('answers a ping with a pong and nothing beside', () => {
    expect(routingDialect.parse({ type: 'ping' })).toEqual({ type: 'ping' });
    expect(routingDialect.renderReply({ type: 'pong', command: { type: 'ping' } }, NOON)).toEqual({ type: 'pong' });
  });

  test.each([{}, { type: null }, { type: 'subscribe' }, { type: 'unsubscribe' }, { type: 'PING' }, { ping: true }])(
    'knows no other command: %j',
    (frame) => expect(() => routingDialect.parse(frame)).toThrow('Unknown message type'),
  );

  test('says an error with its text and when, and no more', () => {
    expect(routingDialect.renderError(new MetricastError('rate_limited', { retryAfter: 12 }), NOON, 7)).toEqual({
      error: 'Rate limit exceeded',
      timestamp,
    });
  });
});
