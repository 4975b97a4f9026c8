import { describe, expect, test } from 'vitest';
import { FailedAttempts } from '../../../src/limits/index.js';
import { MetricastError } from '../../../src/protocol/index.js';

/** Attempts of which so many may fail in a minute, and a clock that is set by hand. */
function attemptsOf(limit: number) {
  let now = 1000;
  const attempts = new FailedAttempts(limit, () => now);
  const fail = (address: string, count: number) => {
    for (let at = 0; at < count; at++) attempts.note(address);
  };
  /** Seconds until this address is heard again. */
  const waits = (address: string) => {
    try {
      attempts.requireFew(address);
      return 0;
    } catch (error) {
      return (error as MetricastError).details.retryAfter;
    }
  };
  return { fail, waits, pass: (millis: number) => (now += millis) };
}

describe('failed attempts', () => {
  test('are let pass up to the limit, and then none until the minute is over that began with the first', () => {
    const { fail, waits, pass } = attemptsOf(3);
    fail('a', 2);
    pass(20_000);
    expect(waits('a')).toBe(0);
    fail('a', 1);
    expect(waits('a')).toBe(40);
    pass(39_999);
    expect(waits('a')).toBe(1);
    pass(1);
    expect(waits('a')).toBe(0);
    fail('a', 2);
    expect(waits('a')).toBe(0);
  });

  test('are those of one address, or of one network of IPv6', () => {
    const { fail, waits } = attemptsOf(1);
    fail('203.0.113.7', 1);
    fail('2001:db8::1', 1);
    expect(['203.0.113.7', '203.0.113.8', '2001:db8::ffff', '2001:db8:0:1::1'].map(waits)).toEqual([60, 0, 60, 0]);
  });

  test('with a limit of 0 are not counted', () => {
    const { fail, waits } = attemptsOf(0);
    fail('a', 1000);
    expect(waits('a')).toBe(0);
  });

  test('of very many addresses are forgotten, those first that failed the longest ago', () => {
    const { fail, waits } = attemptsOf(1);
    for (let at = 0; at < 60_000; at++) fail(`address ${at}`, 1);
    expect([waits('address 0'), waits('address 59999')]).toEqual([0, 60]);
  });
});
