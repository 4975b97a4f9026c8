import { BlockList, isIP } from 'node:net';

/**
 * Which proxies are believed when they say for whom they speak (`X-Forwarded-For`): none, all, so many of them from this
 * server on, or those with these addresses, ranges (`10.0.0.0/8`) or names of ranges (`loopback`).
 */
export type TrustProxy = boolean | number | readonly string[];

/** Whether an address, so many hops away from this server, is that of a proxy which is believed. */
export type Trust = (address: string, hops: number) => boolean;

/** What {@link TrustProxy} is as a text, in words. */
export const TRUST_PROXY_FORM =
  'true, false, a number of proxies, or ADDRESS,… of addresses, ranges (10.0.0.0/8), loopback, linklocal and uniquelocal';

const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** True for what can be trusted, whatever its type says: not every host is compiled. */
export function isTrustProxy(value: unknown): value is TrustProxy {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0;
  if (!Array.isArray(value)) return typeof value === 'boolean';
  return value.length > 0 && rangesIn(value).every((range) => parseRange(range) !== undefined);
}

/** Reads a variable. */
export function parseTrustProxy(text: string): TrustProxy | undefined {
  if (text === 'true' || text === 'false') return text === 'true';
  const value = /^\d{1,3}$/.test(text) ? Number(text) : text.split(',').map((one) => one.trim());
  return isTrustProxy(value) ? value : undefined;
}

/** `undefined` where nobody is trusted. */
export function trustOf(trusted: TrustProxy): Trust | undefined {
  if (trusted === false || trusted === 0) return undefined;
  if (trusted === true) return () => true;
  if (typeof trusted === 'number') return (_address, hops) => hops < trusted;
  const list = new BlockList();
  for (const range of rangesIn(trusted)) {
    const { address, bits, family } = parseRange(range)!;
    list.addSubnet(address, bits, family);
  }
  return (address) => list.check(address, familyOf(address));
}

function rangesIn(trusted: readonly unknown[]): readonly string[] {
  return trusted.map(String).flatMap((one) => (Object.hasOwn(NAMED_RANGES, one) ? NAMED_RANGES[one]! : [one]));
}

interface Range {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

function parseRange(range: string): Range | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
  if (isIP(address) === 0) return undefined;
  const family = familyOf(address);
  const most = family === 'ipv4' ? 32 : 128;
  const bits = Number(length ?? most);
  // Of nothing but a length of 0, everybody would be trusted: who wants that says `true`.
  return bits >= 1 && bits <= most ? { address, bits, family } : undefined;
}

function familyOf(address: string): Range['family'] {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
