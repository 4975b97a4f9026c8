import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseOrigin } from '../../../src/protocol/index.js';

describe('an origin', () => {
  test.each([
    ['https://a.example', 'https://a.example'],
    ['HTTPS://A.Example', 'https://a.example'],
    ['https://a.example:443', 'https://a.example'],
    ['http://a.example:80', 'http://a.example'],
    ['http://a.example:443', 'http://a.example:443'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['chrome-extension://AbC', 'chrome-extension://abc'],
  ])('%s is %s to a browser', (value, origin) => {
    expect(parseOrigin(value)).toBe(origin);
    expect(parseOrigin(origin)).toBe(origin);
  });

  test.each([
    'a.example',
    'https:a.example',
    'https://',
    'https:///a',
    'https://a.example/',
    'https://a.example/path',
    'https://a.example?x',
    'https://a.example#x',
    'https://ada@a.example',
    'https://a.example\\b',
    'https://*.example',
    'https://a.example:99999',
    'https://a b',
    ' https://a.example',
    `https://${'a'.repeat(300)}`,
    'null',
    '*',
    '',
    null,
    7,
    ['https://a.example'],
  ])('is not %j', (value) => expect(parseOrigin(value)).toBeUndefined());

  test('is what every page of the web says of itself', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('http', 'https'),
        fc.domain(),
        fc.integer({ min: 1, max: 65_535 }),
        (scheme, host, port) => {
          const { origin } = new URL(`${scheme}://${host}:${port}/path`);
          expect(parseOrigin(origin)).toBe(origin);
        },
      ),
    );
  });
});
