import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { type Credentials, Entrance } from '../../auth/index.js';
import { Hub } from '../../hub/index.js';
import { AddressRoom, ClientAddresses, Origins, RETRY_AFTER } from '../../limits/index.js';
import { MetricastError, type Principal } from '../../protocol/index.js';
import { Tenants } from '../../tenants/index.js';

/** Somebody who wants to connect, before it is known who. */
export interface Visitor {
  readonly address: string;
  /** Of the web page that they come from, if from one. */
  readonly origin: string | undefined;
}

/** What everybody has to pass who wants to open a connection, by whichever transport. */
@Injectable()
export class Doorway {
  constructor(
    private readonly addresses: ClientAddresses,
    private readonly origins: Origins,
    private readonly room: AddressRoom,
    private readonly entrance: Entrance,
    private readonly hub: Hub,
    private readonly tenants: Tenants,
  ) {}

  /**
   * Looks at where somebody comes from, which says already who need not be asked.
   *
   * @throws {@link MetricastError} `foreign_origin` or `connection_limit`.
   */
  screen({ socket, headers }: IncomingMessage): Visitor {
    const visitor = { address: this.addresses.of({ socket, headers }), origin: headers.origin };
    this.origins.require(visitor.origin);
    this.room.require(visitor.address);
    return visitor;
  }

  /** Resolves when {@link admit} can check the token; `undefined` where that is now, as it nearly always is. */
  seekKey(token: string | undefined): Promise<void> | undefined {
    return this.entrance.seekKey(token);
  }

  /**
   * Says who they are, if they may have one connection more.
   *
   * @throws {@link MetricastError} as {@link screen}, and where their credentials are not good; `rate_limited` where too many
   * were not that came from there.
   */
  admit(visitor: Visitor, credentials: Credentials): Principal {
    const principal = this.entrance.admit(visitor.address, credentials);
    this.origins.requireFor(principal.tenant, visitor.origin);
    this.#requireRoom(principal);
    return principal;
  }

  /**
   * For who was let in, and has waited since: others may have come meanwhile.
   *
   * @throws {@link MetricastError} `connection_limit`
   */
  requireRoomStill({ address }: Visitor, principal: Principal): void {
    this.room.require(address);
    this.#requireRoom(principal);
  }

  /** Counts somebody's connection among those of their address until the stream has ended. */
  hold({ address }: Visitor, stream: Parameters<AddressRoom['hold']>[1]): void {
    this.room.hold(address, stream);
  }

  #requireRoom(principal: Principal): void {
    const { maxConnections, maxConnectionsPerSubject } = this.tenants.effective(principal.tenant).limits;
    requireBelow(maxConnections, this.hub.heads.ofTenant(principal.tenant), 'a tenant');
    requireBelow(maxConnectionsPerSubject, this.hub.heads.ofSubject(principal), 'a subject');
  }
}

function requireBelow(limit: number, open: number, whose: string): void {
  if (limit === 0 || open < limit) return;
  throw new MetricastError('connection_limit', {
    detail: `at most ${limit} connections ${whose}`,
    retryAfter: RETRY_AFTER,
  });
}
