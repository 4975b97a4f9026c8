import { describe, expect, test } from 'vitest';
import { skillsDialect } from '../../../../src/dialects/skills/skills.dialect.js';
import { MetricastError, NO_FILTER, SKILLS_METRICS } from '../../../../src/protocol/index.js';
import { greetingWith } from '../../../support/greetings.js';
import { principalWith } from '../../../support/principals.js';
import { failureFor, filterOf, publicationOf, sampleWith, stateFor } from '../../../support/publications.js';

const NOON = Date.UTC(2026, 10, 21, 12);
const timestamp = '2026-11-21T12:00:00.000Z';

function refusal(frame: Record<string, unknown>): string {
  try {
    skillsDialect.parse(frame);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

function greet(authenticated: boolean) {
  const principal = principalWith({ authenticated });
  return skillsDialect.greet(greetingWith({ principal, now: NOON }));
}

describe('the skills dialect', () => {
  test.each([true, false])('greets, and says whether somebody proved who they are: %j', (authenticated) => {
    const message = 'Connected to Metricast real-time metrics';
    expect(greet(authenticated)).toEqual([{ type: 'connected', message, timestamp, authenticated }]);
  });

  test('subscribes everyone to all skills', () => {
    expect(skillsDialect.open(new URLSearchParams())).toEqual([{ ...wanting(NO_FILTER), isQuiet: true }]);
  });

  const wanting = (filter: object) => ({
    type: 'subscribe',
    channels: [SKILLS_METRICS],
    filter,
    format: 'snapshot',
    replace: true,
  });

  test.each([{}, { skill: null }, { skill: undefined }])('takes a subscribe to %j for all', (fields) => {
    const command = skillsDialect.parse({ type: 'subscribe', ...fields });
    expect(command).toEqual(wanting({}));
    if (command.type !== 'subscribe') return;
    const reply = { type: 'subscribed', command, channels: [SKILLS_METRICS], positions: {} } as const;
    expect(skillsDialect.renderReply(reply, NOON)).toEqual({ type: 'subscription_confirmed', skill: null, timestamp });
  });

  test.each(['pytest-run', 'a', ' ', '漢字', 'x'.repeat(200), '__proto__', 'toString'])(
    'watches any skill, here %s',
    (skill) => {
      const command = skillsDialect.parse({ type: 'subscribe', skill });
      expect(command).toEqual(wanting(filterOf({ skill_name: skill })));
      if (command.type !== 'subscribe') return;
      const reply = { type: 'subscribed', command, channels: [SKILLS_METRICS], positions: {} } as const;
      expect(skillsDialect.renderReply(reply, NOON)).toEqual({ type: 'subscription_confirmed', skill, timestamp });
    },
  );

  test.each(['', 'x'.repeat(201), 'a\nb', 7, true, [], ['a'], {}])('refuses the skill %j', (skill) => {
    expect(refusal({ type: 'subscribe', skill })).toBe(
      'Subscription error: skill must be a printable text of at most 200 characters, or null',
    );
  });

  test('unsubscribes from everything', () => {
    expect(skillsDialect.parse({ type: 'unsubscribe', skill: 'a' })).toEqual({ type: 'unsubscribe' });
    const reply = { type: 'unsubscribed', command: { type: 'unsubscribe' }, channels: [] } as const;
    expect(skillsDialect.renderReply(reply, NOON)).toEqual({ type: 'unsubscribed', timestamp });
  });

  test('answers a ping with a pong and nothing beside', () => {
    expect(skillsDialect.parse({ type: 'ping' })).toEqual({ type: 'ping' });
    expect(skillsDialect.renderReply({ type: 'pong', command: { type: 'ping' } }, NOON)).toEqual({ type: 'pong' });
  });

  test('takes a token in a frame without a type', () => {
    expect(skillsDialect.parse({ token: 'abc' })).toEqual({ type: 'authenticate', token: 'abc' });
    expect(skillsDialect.tokenInFirstFrame).toBe(true);
  });

  test.each([
    {},
    { token: 7 },
    { token: null },
    { type: 'authenticate', token: 'abc' },
    { type: null, token: 'abc' },
    { type: 'x' },
  ])('knows no type for %j', (frame) => expect(refusal(frame)).toBe('Unknown message type'));

  test('says a state as an update', () => {
    const data = { top_skills: [], anomalies: [] };
    const state = stateFor(NO_FILTER, { timestamp: NOON, data });
    expect(skillsDialect.render(publicationOf(state), 'snapshot')).toEqual([
      { type: 'metrics_update', timestamp, data },
    ]);
  });

  test('says a failure as an error, and has no words for a sample', () => {
    const failure = { ...failureFor(), timestamp: NOON };
    expect(skillsDialect.render(publicationOf(failure), 'snapshot')).toEqual([
      { type: 'error', message: 'Failed to fetch metrics', timestamp },
    ]);
    expect(skillsDialect.render(publicationOf(sampleWith()), 'snapshot')).toEqual([]);
  });

  test('says an error with its text and when, and no more', () => {
    const error = new MetricastError('rate_limited', { retryAfter: 12 });
    expect(skillsDialect.renderError(error, NOON, 7)).toEqual({
      type: 'error',
      message: 'Rate limit exceeded',
      timestamp,
    });
  });
});
