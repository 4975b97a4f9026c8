import type { IncomingMessage } from 'node:http';
import { Controller, Get, Inject, Logger, Req, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import { bearerToken, hasRole, isLocalRequest, tenantsIn } from '../../auth/index.js';
import { type Connection, Hub, InboundBudget } from '../../hub/index.js';
import {
  CLOSE,
  type Command,
  type Dialect,
  MetricastError,
  type Principal,
  describeThrown,
} from '../../protocol/index.js';
import { ProblemFilter } from '../../rest/index.js';
import { Doorway, EventSubscriptions, Reception, Subscriptions, type Visitor } from '../connections/index.js';
import { awaitTurn, endWithAnswer, giveUpTurn, openStream } from './open-stream.js';
import { SSE_PRELUDE, sseFraming } from './sse-framing.js';
import { SseTransport } from './sse-transport.js';

export interface StreamDialects {
  /** Every dialect, by its name. */
  readonly byName: Readonly<Record<string, Dialect>>;
  /** The one that is spoken where the address names none. */
  readonly usual: Dialect;
}

export const STREAM_DIALECTS = Symbol('metricast.stream-dialects');

/**
 * Streams of server-sent events, for clients and networks that have no WebSockets. What a stream is to show is said by
 * its address, in the dialect's own parameters; all else is as on a WebSocket: the same audiences, outbox and limits.
 */
@Controller({ path: 'stream', version: VERSION_NEUTRAL })
@UseFilters(ProblemFilter)
export class StreamController {
  readonly #logger = new Logger(StreamController.name);

  constructor(
    private readonly doorway: Doorway,
    private readonly reception: Reception,
    private readonly hub: Hub,
    private readonly budget: InboundBudget,
    private readonly subscriptions: Subscriptions,
    private readonly eventSubscriptions: EventSubscriptions,
    @Inject(STREAM_DIALECTS) private readonly dialects: StreamDialects,
  ) {}

  @Get('metrics')
  async stream(@Req() platformRequest: object, @Res() platformResponse: object): Promise<void> {
    const request = nodeRequest(platformRequest);
    const query = new URLSearchParams((request.url ?? '').split('?').slice(1).join('?'));
    const dialect = this.#dialectNamed(query.get('dialect'));
    this.#requireNotDraining(platformResponse);
    const { visitor, principal } = await this.#meet(request, query);
    if (!(await awaitTurn(request, platformResponse))) return;
    // A stream that began on a server which was told to end meanwhile would not be among those that it sends away.
    this.#requireNotDraining(platformResponse);
    this.#requireRoomStill(request, visitor, principal);
    // From here on to the open connection nothing is waited for, or more would come in than there is room for.
    const stream = openStream(request, platformResponse);
    if (!stream) return;
    this.doorway.hold(visitor, stream);
    const transport = new SseTransport(stream, visitor.address);
    transport.write(SSE_PRELUDE);
    const connection = this.reception.open({ principal, dialect, framing: sseFraming, transport, query });
    stream.on('drain', () => this.hub.drain(connection));
    stream.on('close', () => this.hub.close(connection));
    // A browser says by itself what it got last; who has no way to send a header says it in the address.
    const lastEventId = request.headers['last-event-id']?.toString() ?? query.get('lastEventId') ?? undefined;
    for (const command of this.reception.openingCommands(connection, query)) {
      if (connection.isOpen) await this.#run(connection, command, lastEventId);
    }
  }

  #dialectNamed(name: string | null): Dialect {
    if (name === null) return this.dialects.usual;
    if (Object.hasOwn(this.dialects.byName, name)) return this.dialects.byName[name]!;
    throw new MetricastError('bad_request', { detail: 'no such dialect' });
  }

  #requireNotDraining(platformResponse: object): void {
    if (!this.reception.isDraining) return;
    // Kept for further requests, the connection would hold up the shutdown.
    endWithAnswer(platformResponse);
    throw new MetricastError('busy', { retryAfter: 1 });
  }

  /** Finds out who comes, and counts those who are not let in. */
  async #meet(request: IncomingMessage, query: URLSearchParams): Promise<{ visitor: Visitor; principal: Principal }> {
    try {
      const visitor = this.doorway.screen(request);
      return { visitor, principal: await this.#admit(visitor, request, query) };
    } catch (thrown) {
      throw this.#noteRefusal(thrown);
    }
  }

  #requireRoomStill(request: IncomingMessage, visitor: Visitor, principal: Principal): void {
    try {
      this.doorway.requireRoomStill(visitor, principal);
    } catch (thrown) {
      giveUpTurn(request);
      throw this.#noteRefusal(thrown);
    }
  }

  #noteRefusal(thrown: unknown): MetricastError {
    const error = MetricastError.from(thrown);
    this.reception.noteRefusal(error);
    return error;
  }

  /** An event source in a browser can send no header, so its token may come in the address. */
  async #admit(visitor: Visitor, request: IncomingMessage, query: URLSearchParams): Promise<Principal> {
    const token = bearerToken(request.headers.authorization) ?? query.get('token') ?? undefined;
    await this.doorway.seekKey(token);
    const principal = this.doorway.admit(visitor, {
      token,
      tenants: tenantsIn(query),
      isLocal: isLocalRequest(request.headers),
    });
    if (!hasRole(principal, 'viewer')) throw new MetricastError('forbidden', { detail: 'needs the role viewer' });
    return principal;
  }

  /** The response has begun, so whatever goes wrong is told in the stream. */
  async #run(connection: Connection, command: Command, lastEventId: string | undefined): Promise<void> {
    try {
      const retryAfter = this.budget.take(connection.principal, Date.now());
      if (retryAfter > 0) throw new MetricastError('rate_limited', { retryAfter });
      if (command.type === 'subscribe') await this.subscriptions.subscribe(connection, { ...command, lastEventId });
      if (command.type === 'watch_events') await this.eventSubscriptions.watch(connection, { ...command, lastEventId });
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      this.hub.sendError(connection, error);
      // Nobody can ask for it again on a stream.
      if (error.code === 'rate_limited') this.hub.close(connection, CLOSE.tooMany);
      if (error.code !== 'internal') return;
      this.#logger.error(describeThrown(error.cause));
      this.hub.close(connection, CLOSE.internal);
    }
  }
}

/** Node's request below the platform's. */
function nodeRequest(platformRequest: object): IncomingMessage {
  return ('raw' in platformRequest ? platformRequest.raw : platformRequest) as IncomingMessage;
}
