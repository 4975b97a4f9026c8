import { describe, expect, test } from 'vitest';
import { workspaceDialect } from '../../../../src/dialects/workspace/workspace.dialect.js';
import { EXECUTIONS_METRICS, MetricastError, NO_FILTER } from '../../../../src/protocol/index.js';
import { greetingWith } from '../../../support/greetings.js';
import { ACME } from '../../../support/principals.js';
import { eventWith, failureFor, publicationOf, sampleWith, stateFor } from '../../../support/publications.js';

const NOON = Date.UTC(2026, 10, 21, 12);
const timestamp = '2026-11-21T12:00:00.000Z';

function refusal(frame: Record<string, unknown>): string {
  try {
    workspaceDialect.parse(frame);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

function commandsOf(query: string) {
  return workspaceDialect.open(new URLSearchParams(query));
}

describe('the workspace dialect', () => {
  test('greets with the id of the connection and its workspace', () => {
    expect(workspaceDialect.greet(greetingWith({ connectionId: 'an id', now: NOON }))).toEqual([
      { event: 'connected', connection_id: 'an id', workspace_id: ACME, timestamp },
    ]);
  });

  test.each([
    ['', []],
    ['token=x&workspace_id=acme', []],
    ['event_types=alert', ['alert']],
    ['event_types=alert,nope,alert', ['alert', 'nope', 'alert']],
    ['event_types=alert&event_types=a,b', ['alert', 'a', 'b']],
  ])('watches what the address %j names', (query, eventTypes) => {
    expect(commandsOf(query)).toEqual(eventTypes.length > 0 ? [{ type: 'watch_events', eventTypes }] : []);
  });

  test('refuses an address that names more types than a connection may have', () => {
    expect(() => commandsOf(`event_types=${'a,'.repeat(1024)}a`)).toThrow(
      'Subscription error: at most 1024 event types a frame',
    );
  });

  test.each([
    [{ type: 'subscribe', event_types: ['alert', 'no type'] }, 'watch_events', ['alert', 'no type']],
    [{ type: 'subscribe', event_types: [] }, 'watch_events', []],
    [{ type: 'unsubscribe', event_types: ['alert'] }, 'unwatch_events', ['alert']],
    [{ type: 'unsubscribe', event_types: [] }, 'unwatch_events', []],
    [{ type: 'unsubscribe', event_types: null }, 'unwatch_events', undefined],
    [{ type: 'unsubscribe' }, 'unwatch_events', undefined],
  ])('takes %j for what it says', (frame, type, eventTypes) => {
    expect(workspaceDialect.parse(frame)).toEqual({ type, eventTypes });
  });

  test.each([
    ['subscribe', [undefined, null, 'alert', 7, {}, [7], ['a', null], [['a']]]],
    ['unsubscribe', ['alert', 7, false, {}, [7], ['a', null], [['a']]]],
  ])('%s wants a list of types', (type, lists) => {
    for (const event_types of lists) {
      expect(refusal({ type, event_types })).toBe('Subscription error: event_types must be a list of event types');
    }
  });

  test.each(['subscribe', 'unsubscribe'])('%s takes 1024 types, and not one more', (type) => {
    const types = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`);
    expect(refusal({ type, event_types: types(1024) })).toBe('accepted');
    expect(refusal({ type, event_types: types(1025) })).toBe('Subscription error: at most 1024 event types a frame');
  });

  test.each([{}, { metric_type: null }, { metric_type: 'executions' }])('asks for the executions by %j', (fields) => {
    expect(workspaceDialect.parse({ type: 'request_metrics', ...fields })).toEqual({
      type: 'request_state',
      channel: EXECUTIONS_METRICS,
    });
  });

  test.each(['', 'agents', 'Executions', 7, [], ['executions'], {}, false])(
    'has no metrics of the type %j',
    (metric_type) => {
      expect(refusal({ type: 'request_metrics', metric_type })).toBe('Invalid request: metric_type must be executions');
    },
  );

  test.each([{}, { type: null }, { type: 'SUBSCRIBE' }, { type: 'pong' }, { type: 'watch_events' }, { event: 'ping' }])(
    'knows no type for %j',
    (frame) => expect(refusal(frame)).toBe('Unknown message type'),
  );

  test('says an event as it is, and nothing of its channel, tags and number', () => {
    const event = eventWith({ type: 'report_ready', timestamp: NOON, tags: { team: 'a' }, data: { pages: 12 } });
    expect(workspaceDialect.render(publicationOf(event, { offset: 8 }), 'snapshot')).toEqual([
      { event: 'report_ready', data: { pages: 12 }, timestamp },
    ]);
  });

  test.each([
    [{ type: 'budget', priority: 'high' }, 'high'],
    [{ type: 'budget' }, null],
  ])('says the priority of an alert beside it, too: %j', (data, priority) => {
    const event = eventWith({ type: 'alert', timestamp: NOON, data });
    expect(workspaceDialect.render(publicationOf(event), 'snapshot')).toEqual([
      { event: 'alert', data, priority, timestamp },
    ]);
  });

  test('says a state as an update', () => {
    const data = { total_executions: 3 };
    expect(workspaceDialect.render(publicationOf(stateFor(NO_FILTER, { timestamp: NOON, data })), 'snapshot')).toEqual([
      { event: 'metrics_update', data, timestamp },
    ]);
  });

  test('says a failure as an error, and has no words for a sample', () => {
    const failure = { ...failureFor(), timestamp: NOON };
    expect(workspaceDialect.render(publicationOf(failure), 'snapshot')).toEqual([
      { event: 'error', error: 'Failed to fetch metrics', code: 'collect_failed', timestamp },
    ]);
    expect(workspaceDialect.render(publicationOf(sampleWith()), 'snapshot')).toEqual([]);
  });

  test.each([
    ['watch_events', 'subscribed'],
    ['unwatch_events', 'unsubscribed'],
  ] as const)('answers %s with the types that there are then', (type, event) => {
    const reply = { type: 'watching', command: { type, eventTypes: ['b'] }, eventTypes: ['a', 'b'] } as const;
    expect(workspaceDialect.renderReply(reply, NOON)).toEqual({ event, event_types: ['a', 'b'], timestamp });
  });

  test('answers who asks for metrics with them, and of which type they are', () => {
    const command = { type: 'request_state', channel: EXECUTIONS_METRICS } as const;
    const state = stateFor(NO_FILTER, { timestamp: NOON - 500, data: { total_executions: 3 } });
    expect(workspaceDialect.renderReply({ type: 'state', command, state }, NOON)).toEqual({
      event: 'metrics_update',
      metric_type: 'executions',
      data: { total_executions: 3 },
      timestamp,
    });
  });

  test('answers a ping', () => {
    expect(workspaceDialect.parse({ type: 'ping' })).toEqual({ type: 'ping' });
    expect(workspaceDialect.renderReply({ type: 'pong', command: { type: 'ping' } }, NOON)).toEqual({
      event: 'pong',
      timestamp,
    });
  });

  test('says an error with its text, its code and when', () => {
    const error = new MetricastError('unknown_event_type', { name: 'nope' });
    expect(workspaceDialect.renderError(error, NOON, 7)).toEqual({
      event: 'error',
      error: 'Unknown event type nope',
      code: 'unknown_event_type',
      timestamp,
    });
  });

  test('says when to try again, where that is known', () => {
    const error = new MetricastError('rate_limited', { retryAfter: 12 });
    expect(workspaceDialect.renderError(error, NOON)).toMatchObject({ code: 'rate_limited', retry_after: 12 });
  });
});
