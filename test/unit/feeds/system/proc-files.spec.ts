import { readFileSync } from 'node:fs';
import os from 'node:os';
import { describe, expect, test } from 'vitest';
import { parseCpuFrequency, parseMemAvailable, parseNetDev } from '../../../../src/feeds/system/proc-files.js';

const NET_DEV_HEAD = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;

describe('/proc/net/dev', () => {
  test('sums what all interfaces received and sent', () => {
    const text = `${NET_DEV_HEAD}  eth0:    1000      10    1    2    3    4          5         6      200       7    8    9   10   11      12         13
 wlan0:      30       1    0    0    0    0          0         0        4       1    0    0    0    0       0          0
`;
    expect(parseNetDev(text)).toEqual({ received: 1030, sent: 204 });
  });

  test('leaves the loopback out, and nothing whose name only begins like it', () => {
    const text = `${NET_DEV_HEAD}    lo:   66275     996    0    0    0     0          0         0    66275     996    0    0    0     0       0          0
  lowpan0:       5       1    0    0    0     0          0         0        6       1    0    0    0     0       0          0
`;
    expect(parseNetDev(text)).toEqual({ received: 5, sent: 6 });
  });

  test('a machine with nothing but the loopback has sent nothing', () => {
    const text = `${NET_DEV_HEAD}    lo:   66275     996    0    0    0     0          0         0    66275     996    0    0    0     0       0          0\n`;
    expect(parseNetDev(text)).toEqual({ received: 0, sent: 0 });
  });

  test('a counter may touch the colon, and an alias may have a colon itself', () => {
    const text = `${NET_DEV_HEAD}eth0:4294967296 1 0 0 0 0 0 0 8589934592 1 0 0 0 0 0 0\neth0:1:7 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n`;
    expect(parseNetDev(text)).toEqual({ received: 4294967303, sent: 8589934601 });
  });

  test.each(['', NET_DEV_HEAD, 'eth0: 1 2 3\n'])('a text without interfaces is unknown: %j', (text) => {
    expect(parseNetDev(text)).toBeNull();
  });

  test.runIf(process.platform === 'linux')('the file of this machine is understood', () => {
    const text = readFileSync('/proc/net/dev', 'utf8');
    expect(parseNetDev(text)).toEqual({ received: expect.any(Number), sent: expect.any(Number) });
  });
});

describe('/proc/meminfo', () => {
  test('says what is available in bytes', () => {
    const text = 'MemTotal:       24684096 kB\nMemFree:        24057112 kB\nMemAvailable:   24096680 kB\n';
    expect(parseMemAvailable(text)).toBe(24096680 * 1024);
  });

  test('is unknown where the kernel does not say', () => {
    expect(parseMemAvailable('MemTotal:       24684096 kB\nMemFree:        24057112 kB\n')).toBeNull();
  });

  test.runIf(process.platform === 'linux')('the file of this machine is understood', () => {
    const available = parseMemAvailable(readFileSync('/proc/meminfo', 'utf8'));
    expect(available).toBeGreaterThan(0);
    expect(available).toBeLessThanOrEqual(os.totalmem());
  });
});

describe('/proc/cpuinfo', () => {
  test('says the mean frequency of the processors', () => {
    const text = 'processor\t: 0\ncpu MHz\t\t: 2400.000\nprocessor\t: 1\ncpu MHz\t\t: 2600.500\n';
    expect(parseCpuFrequency(text)).toBe(2500.25);
  });

  test('is unknown where no processor says it', () => {
    expect(parseCpuFrequency('processor\t: 0\nBogoMIPS\t: 108.00\n')).toBeNull();
  });
});
