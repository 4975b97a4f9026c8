import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { RevocationList } from '../../auth/index.js';
import { type Connection, type Framing, Hub, type Transport } from '../../hub/index.js';
import {
  CLOSE,
  type Command,
  type Dialect,
  type ErrorCode,
  MetricastError,
  type Principal,
  type Query,
  describeThrown,
} from '../../protocol/index.js';
import { TenantRegistry, Tenants } from '../../tenants/index.js';

export interface ReceptionOptions {
  /** Seconds between two heartbeats. */
  readonly heartbeatInterval: number;
}

export const RECEPTION_OPTIONS = Symbol('metricast.reception-options');

/** What a connection is opened with, whatever transport carries it. */
export interface Arrival {
  readonly principal: Principal;
  readonly dialect: Dialect;
  readonly framing: Framing;
  readonly transport: Transport;
  readonly query: Query;
}

/** Takes in those who were let in: opens their connections and greets them. */
@Injectable()
export class Reception {
  readonly #logger = new Logger(Reception.name);
  /** The streams of those who have not said yet who they are, and are not refused yet. */
  readonly owing = new Set<Transport>();
  readonly #refusals = new Map<ErrorCode, number>();
  #isDraining = false;

  constructor(
    private readonly hub: Hub,
    private readonly tenants: Tenants,
    private readonly registry: TenantRegistry,
    private readonly revocations: RevocationList,
    @Inject(RECEPTION_OPTIONS) private readonly options: ReceptionOptions,
  ) {}

  /** True once nobody is let in any more. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** How many were not let in, by what they were told. */
  get refusals(): ReadonlyMap<ErrorCode, number> {
    return this.#refusals;
  }

  /** Notes that somebody is not let in. */
  noteRefusal({ code }: MetricastError): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  /** Opens a connection and greets its peer. */
  open({ principal, dialect, framing, transport, query }: Arrival): Connection {
    const connection = this.hub.open(randomUUID(), principal, dialect, framing, transport);
    const { collectionIntervalSeconds: updateInterval } = this.tenants.effective(principal.tenant);
    const greeting = {
      connectionId: connection.id,
      principal,
      query,
      now: Date.now(),
      updateInterval,
      ...this.options,
    };
    for (const message of dialect.greet(greeting)) this.hub.send(connection, message);
    this.registry.notice(principal.tenant);
    // It may have been revoked while the stream was made ready.
    if (this.revocations.revokes(principal)) this.hub.close(connection, CLOSE.tokenRevoked);
    return connection;
  }

  /** What the connection asks for by having been opened; where its address asks for what cannot be, it is told. */
  openingCommands(connection: Connection, query: Query): readonly Command[] {
    try {
      return connection.dialect.open(query);
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      if (error.code === 'internal') this.#logger.error(describeThrown(error.cause));
      this.hub.sendError(connection, error);
      return [];
    }
  }

  /** Lets nobody in any more, and sends those away who are about to come in. Returns them. */
  drain(): Transport[] {
    this.#isDraining = true;
    const leaving = [...this.owing];
    this.owing.clear();
    for (const transport of leaving) transport.close(CLOSE.goingAway);
    return leaving;
  }
}
