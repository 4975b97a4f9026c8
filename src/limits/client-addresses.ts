import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Logger } from '@nestjs/common';
import { type Trust, type TrustProxy, trustOf } from './trust-proxy.js';

/** Tells from which address a request comes. What it says of itself counts only where a proxy says it that is trusted. */
export class ClientAddresses {
  readonly #logger = new Logger(ClientAddresses.name);
  readonly #trust: Trust | undefined;
  #hasWarned = false;

  constructor(trusted: TrustProxy) {
    this.#trust = trustOf(trusted);
  }

  /** Empty where the peer has gone already. */
  of({ socket, headers }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    const own = plain(socket.remoteAddress ?? '');
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined) return own;
    if (!this.#trust) {
      this.#warn();
      return own;
    }
    let address = own;
    // Each proxy adds at the end whom it was called by, and only if it is trusted is that worth anything.
    const said = String(forwarded).split(',').reverse();
    for (const [hops, one] of said.entries()) {
      const next = plain(withoutPort(one.trim()));
      if (!this.#trust(address, hops) || isIP(next) === 0) break;
      address = next;
    }
    return address;
  }

  /** Once: behind a proxy that is not trusted, what is limited by address is limited for everybody together. */
  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warn(
      'Requests come with X-Forwarded-For, and no proxy is trusted (TRUST_PROXY, option trustProxy): behind one, everybody has its address',
    );
  }
}

/** Some proxies say from which port, too: `192.0.2.1:80`, `[2001:db8::1]:80`. */
function withoutPort(address: string): string {
  const [, bracketed, bare] = /^(?:\[([^\]]+)\](?::\d+)?|([^:]+):\d+)$/.exec(address) ?? [];
  return bracketed ?? bare ?? address;
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
