import { describe, expect, test } from 'vitest';
import { isTrustProxy, parseTrustProxy } from '../../../src/limits/index.js';

describe('which proxies are trusted, as a text', () => {
  test.each([
    ['true', true],
    ['false', false],
    ['0', 0],
    ['2', 2],
    ['loopback', ['loopback']],
    ['loopback, 10.0.0.0/8,2001:db8::/32, 192.0.2.1', ['loopback', '10.0.0.0/8', '2001:db8::/32', '192.0.2.1']],
  ])('may be %j', (text, expected) => expect(parseTrustProxy(text)).toEqual(expected));

  test.each([
    'yes',
    '-1',
    '1.5',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '::/0',
    '10.0.0',
    'proxy.example',
    'loopback,',
    '10.0.0.1/x',
  ])('may not be %j', (text) => expect(parseTrustProxy(text)).toBeUndefined());

  test.each([[[]], ['loopback'], [-1], [1.5], [null], [undefined], [[7]], [['toString']], [{}]])(
    'may not be the value %j',
    (value) => expect(isTrustProxy(value)).toBe(false),
  );
});
