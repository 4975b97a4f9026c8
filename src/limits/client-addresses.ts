import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type Trust, type TrustProxy, trustOf } from './trust-proxy.js';

/** Tells from which address a request comes. What it says of itself counts only where a proxy says it that is trusted. */
export class ClientAddresses {
  readonly #trust: Trust | undefined;

  constructor(trusted: TrustProxy) {
    this.#trust = trustOf(trusted);
  }

  /** Empty where the peer has gone already. */
  of({ socket, headers }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    const own = plain(socket.remoteAddress ?? '');
    const forwarded = headers['x-forwarded-for'];
    if (!this.#trust || forwarded === undefined) return own;
    let address = own;
    // Each proxy adds at the end whom it was called by, and only if it is trusted is that worth anything.
    const said = String(forwarded).split(',').reverse();
    for (const [hops, one] of said.entries()) {
      const next = plain(one.trim());
      if (!this.#trust(address, hops) || isIP(next) === 0) break;
      address = next;
    }
    return address;
  }
}

/** An address of IPv4 as such, also where it arrived on a socket of IPv6. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/**
 * What an address counts as where something is counted by address. Whoever has one of IPv6 has the 2⁶⁴ of its network
 * as well, and need never come from the same twice.
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [before = '', after] = address.split('%', 1)[0]!.split('::');
  const left = before === '' ? [] : before.split(':');
  const right = after === undefined || after === '' ? [] : after.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const network = [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
