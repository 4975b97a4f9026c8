import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClientAddresses, type TrustProxy, networkOf } from '../../../src/limits/index.js';
import { CapturedLog } from '../../support/captured-log.js';

function addressOf(trusted: TrustProxy, remoteAddress: string | undefined, forwarded?: string): string {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return new ClientAddresses(trusted).of({ socket: { remoteAddress } as never, headers });
}

describe('the address of a client', () => {
  test.each<[TrustProxy, string | undefined, string | undefined, string]>([
    // Nobody is trusted.
    [false, '198.51.100.1', undefined, '198.51.100.1'],
    [false, '198.51.100.1', '203.0.113.7', '198.51.100.1'],
    [0, '198.51.100.1', '203.0.113.7', '198.51.100.1'],
    [false, undefined, undefined, ''],
    // Of IPv4, on a socket of IPv6.
    [false, '::ffff:198.51.100.1', undefined, '198.51.100.1'],
    // All are.
    [true, '198.51.100.1', undefined, '198.51.100.1'],
    [true, '198.51.100.1', '203.0.113.7', '203.0.113.7'],
    [true, '198.51.100.1', '203.0.113.7, 10.0.0.1,10.0.0.2', '203.0.113.7'],
    [true, '198.51.100.1', '2001:db8::7', '2001:db8::7'],
    [true, '198.51.100.1', '::ffff:203.0.113.7', '203.0.113.7'],
    // So many are, from this server on.
    [1, '198.51.100.1', '203.0.113.66, 203.0.113.7', '203.0.113.7'],
    [2, '198.51.100.1', '203.0.113.66, 203.0.113.7, 10.0.0.1', '203.0.113.7'],
    [9, '198.51.100.1', '203.0.113.7, 10.0.0.1', '203.0.113.7'],
    // Those with these addresses are.
    [['198.51.100.1'], '198.51.100.1', '203.0.113.7', '203.0.113.7'],
    [['198.51.100.0/24'], '198.51.100.200', '203.0.113.7', '203.0.113.7'],
    [['198.51.100.2'], '198.51.100.1', '203.0.113.7', '198.51.100.1'],
    [['loopback'], '127.0.0.1', '203.0.113.7', '203.0.113.7'],
    [['loopback'], '::ffff:127.0.0.1', '203.0.113.7', '203.0.113.7'],
    [['loopback'], '::1', '203.0.113.7', '203.0.113.7'],
    [['loopback'], '10.0.0.1', '203.0.113.7', '10.0.0.1'],
    [['loopback', 'uniquelocal'], '127.0.0.1', '203.0.113.66, 203.0.113.7, 10.0.0.1', '203.0.113.7'],
    [['fd00::/8'], 'fd00::5', '203.0.113.7', '203.0.113.7'],
    [['10.0.0.0/8'], '2001:db8::1', '203.0.113.7', '2001:db8::1'],
    // What is no address is nobody's.
    [true, '198.51.100.1', 'unknown', '198.51.100.1'],
    [true, '198.51.100.1', '203.0.113.7, unknown, 10.0.0.1', '10.0.0.1'],
    [true, '198.51.100.1', '', '198.51.100.1'],
    [true, '198.51.100.1', '203.0.113.7:', '198.51.100.1'],
    [true, '198.51.100.1', '[203.0.113.7', '198.51.100.1'],
    [true, '198.51.100.1', '203.0.113.7:80:80', '198.51.100.1'],
    // With its port.
    [true, '198.51.100.1', '203.0.113.7:4711', '203.0.113.7'],
    [true, '198.51.100.1', '[2001:db8::7]:4711', '2001:db8::7'],
    [true, '198.51.100.1', '[2001:db8::7]', '2001:db8::7'],
    [1, '198.51.100.1', '203.0.113.66, 203.0.113.7:4711', '203.0.113.7'],
  ])('is, with %j trusted, of %s that says %j: %s', (trusted, remote, forwarded, expected) => {
    expect(addressOf(trusted, remote, forwarded)).toBe(expected);
  });

  test('is never one that only untrusted ones have said', () => {
    const proxies = ['10.0.0.1', '10.0.0.2'];
    fc.assert(
      fc.property(fc.string(), fc.subarray(proxies), fc.ipV4(), (said, chain, client) => {
        fc.pre(!client.startsWith('10.'));
        const [nearest = client, ...further] = [client, ...chain].reverse();
        const forwarded = [said, ...further.reverse()].join(',');
        expect(addressOf(['10.0.0.0/8'], nearest, forwarded)).toBe(client);
      }),
    );
  });
});

test('a proxy that is not trusted is warned of, once', () => {
  const log = new CapturedLog();
  Logger.overrideLogger(log);
  const socket = { remoteAddress: '198.51.100.1' } as never;
  const forwarded = { 'x-forwarded-for': '203.0.113.7' };
  new ClientAddresses(true).of({ socket, headers: forwarded });
  const addresses = new ClientAddresses(false);
  addresses.of({ socket, headers: {} });
  expect(log.text).toBe('');
  for (let count = 0; count < 3; count++) addresses.of({ socket, headers: forwarded });
  expect(log.text.match(/TRUST_PROXY/g)).toHaveLength(1);
  expect(log.text).not.toContain('203.0.113.7');
});

describe('the network of an address', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['', ''],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:0DB8:0000:0001:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5::', '2001:db8:1:2::/64'],
  ])('of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));
});
