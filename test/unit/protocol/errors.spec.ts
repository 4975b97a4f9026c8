import { describe, expect, test } from 'vitest';
import { CLOSE, ERRORS, type ErrorCode, MetricastError, describeThrown } from '../../../src/protocol/index.js';

const rows = Object.entries(ERRORS);

describe('the table of errors', () => {
  test.each(rows)('%s has a text, and a status that fits what it says', (_code, { message, status, temporary }) => {
    expect(message).toMatch(/^[A-Z].*[^.]$/);
    // RFC 9110: 429 and the 5xx may pass, the other 4xx do not by themselves; 501 is a 5xx that stays.
    expect(temporary).toBe(status === 429 || (status >= 500 && status !== 501));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
  });

  test('gives each error a text of its own', () => {
    const texts = rows.map(([, { message }]) => message);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test('keeps the texts that clients of the documents know', () => {
    expect(ERRORS.unauthenticated.message).toBe('Invalid authentication token');
    expect(ERRORS.rate_limited.message).toBe('Rate limit exceeded');
    expect(ERRORS.unknown_channel.message).toBe('Invalid subscription: unknown channel');
    expect(new MetricastError('bad_subscription', { detail: 'why' }).message).toBe('Subscription error: why');
  });

  test.each<[ErrorCode, number]>([
    ['bad_binary', 4400],
    ['unauthenticated', 4401],
    ['forbidden', 4403],
    ['internal', 1011],
    ['keys_unavailable', 1011],
    ['too_large', 1009],
    ['foreign_origin', 4403],
    ['rate_limited', 4429],
    ['connection_limit', 4429],
  ])('%s ends a connection that is refused for it with %d', (code, close) =>
    expect(ERRORS[code].close?.code).toBe(close),
  );
});

describe('the table of closes', () => {
  test.each(Object.entries(CLOSE))('%s can be sent', (_name, { code, reason }) => {
    // RFC 6455, 7.4: what an endpoint may send; and 5.5: a control frame carries 125 bytes, 2 of them the code.
    expect([1001, 1008, 1009, 1011].includes(code) || (code >= 4000 && code < 5000)).toBe(true);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(reason).not.toBe('');
  });

  test('says to connect again where that can help', () => {
    const codes = Object.values(CLOSE).filter(({ reconnect }) => reconnect);
    expect(new Set(codes.map(({ code }) => code))).toEqual(new Set([1001, 1011, 4408, 4429, 4508]));
  });
});

describe('an error', () => {
  test('passes through unchanged', () => {
    const error = new MetricastError('busy', { retryAfter: 2 });
    expect(MetricastError.from(error)).toBe(error);
  });

  test.each([new TypeError('secret'), 'secret', undefined, null, { code: 'busy' }])(
    'of no row is internal, and tells nobody what it was: %o',
    (thrown) => {
      const error = MetricastError.from(thrown);
      expect(error.code).toBe('internal');
      expect(error.message).toBe('Internal error');
      expect(error.cause).toBe(thrown);
    },
  );
});

test('a log gets the stack of an error, and the text of anything else', () => {
  const error = new Error('broken');
  expect(describeThrown(error)).toBe(error.stack);
  expect(describeThrown('broken')).toBe('broken');
  expect(describeThrown(undefined)).toBe('undefined');
  const circle: { self?: object } = {};
  circle.self = circle;
  expect(describeThrown(circle)).toBe('[object Object]');
  expect(describeThrown(7n)).toBe('[object BigInt]');
});
