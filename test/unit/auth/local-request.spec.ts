import { describe, expect, test } from 'vitest';
import { isLocalRequest, isLoopback } from '../../../src/auth/local-request.js';

describe('a request is local', () => {
  test.each([
    'localhost',
    'localhost:8000',
    '127.0.0.1',
    '127.0.0.1:8000',
    '127.9.9.9',
    '[::1]:8000',
    'app.localhost:1',
    'LOCALHOST',
  ])('where it asks for %s', (host) => {
    expect(isLocalRequest({ host })).toBe(true);
    expect(isLocalRequest({ host, origin: `http://${host}` })).toBe(true);
  });

  test.each([
    undefined,
    '',
    'attacker.example',
    'localhost.attacker.example',
    'notlocalhost',
    '127.0.0.1.attacker.example',
    '127.0.0.1@attacker.example',
    '0.0.0.0',
    '192.168.0.1',
    '[::ffff:192.168.0.1]',
  ])('but not where it asks for %j', (host) => expect(isLocalRequest({ host })).toBe(false));

  test.each(['https://attacker.example', 'http://localhost.attacker.example', 'null', 'file://', '', 'localhost'])(
    'but not where a page of %j made it',
    (origin) => expect(isLocalRequest({ host: 'localhost:8000', origin })).toBe(false),
  );

  test.each(['cross-site', 'same-site'])(
    'but not where a page of elsewhere made it, without its origin: %s',
    (site) => {
      const host = 'localhost:8000';
      expect(isLocalRequest({ host, 'sec-fetch-site': site })).toBe(false);
      // The origin says more: another server of this machine.
      expect(isLocalRequest({ host, 'sec-fetch-site': site, origin: 'http://localhost:5173' })).toBe(true);
    },
  );

  test.each(['none', 'same-origin'])('where the user, or its own page, made it: %s', (site) => {
    expect(isLocalRequest({ host: 'localhost:8000', 'sec-fetch-site': site })).toBe(true);
  });

  test.each([
    ...[
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-forwarded-port',
      'x-real-ip',
      'via',
    ],
    ...['cf-connecting-ip', 'cf-ray'],
  ])('but not where a proxy passed it on: %s', (name) =>
    expect(isLocalRequest({ host: 'localhost:8000', [name]: '127.0.0.1' })).toBe(false),
  );
});

test.each<[boolean, string]>([
  [true, '127.0.0.1'],
  [true, '127.255.255.255'],
  [true, '::1'],
  [false, '0.0.0.0'],
  [false, '::'],
  [false, '128.0.0.1'],
  [false, '127.0.0.1.example'],
  [false, '127'],
  [false, '::ffff:127.0.0.1'],
  [false, ''],
])('it is %j that %s is loopback', (expected, address) => expect(isLoopback(address)).toBe(expected));
