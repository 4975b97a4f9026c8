import type { IncomingMessage } from 'node:http';
import { Controller, Get, Inject, Logger, Req, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import { Authenticator, bearerToken, hasRole, isLocalRequest, tenantsIn } from '../../auth/index.js';
import { type Connection, Hub } from '../../hub/index.js';
import {
  CLOSE,
  type Command,
  type Dialect,
  MetricastError,
  type Principal,
  describeThrown,
} from '../../protocol/index.js';
import { ProblemFilter } from '../../rest/index.js';
import { EventSubscriptions, Reception, Subscriptions } from '../connections/index.js';
import { openStream } from './open-stream.js';
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
    private readonly authenticator: Authenticator,
    private readonly reception: Reception,
    private readonly hub: Hub,
    private readonly subscriptions: Subscriptions,
    private readonly eventSubscriptions: EventSubscriptions,
    @Inject(STREAM_DIALECTS) private readonly dialects: StreamDialects,
  ) {}

  @Get('metrics')
  async stream(@Req() platformRequest: object, @Res() platformResponse: object): Promise<void> {
    const request = nodeRequest(platformRequest);
    const query = new URLSearchParams((request.url ?? '').split('?').slice(1).join('?'));
    const dialect = this.#dialectNamed(query.get('dialect'));
    const principal = this.#admit(request, query);
    if (this.reception.isDraining) throw new MetricastError('busy', { retryAfter: 1 });
    const stream = await openStream(request, platformResponse);
    if (!stream) return;
    const transport = new SseTransport(stream, request.socket.remoteAddress ?? '');
    transport.write(SSE_PRELUDE);
    if (this.reception.isDraining) {
      transport.close(CLOSE.goingAway);
      return;
    }
    const connection = this.reception.open({ principal, dialect, framing: sseFraming, transport, query });
    stream.on('drain', () => this.hub.drain(connection));
    stream.on('close', () => this.hub.close(connection));
    for (const command of this.reception.openingCommands(connection, query)) await this.#run(connection, command);
  }

  #dialectNamed(name: string | null): Dialect {
    if (name === null) return this.dialects.usual;
    if (Object.hasOwn(this.dialects.byName, name)) return this.dialects.byName[name]!;
    throw new MetricastError('bad_request', { detail: 'no such dialect' });
  }

  /** An event source in a browser can send no header, so its token may come in the address. */
  #admit(request: IncomingMessage, query: URLSearchParams): Principal {
    const principal = this.authenticator.authenticate({
      token: bearerToken(request.headers.authorization) ?? query.get('token') ?? undefined,
      tenants: tenantsIn(query),
      isLocal: isLocalRequest(request.headers),
    });
    if (!hasRole(principal, 'viewer')) throw new MetricastError('forbidden', { detail: 'needs the role viewer' });
    return principal;
  }

  /** The response has begun, so whatever goes wrong is told in the stream. */
  async #run(connection: Connection, command: Command): Promise<void> {
    try {
      if (command.type === 'subscribe') await this.subscriptions.subscribe(connection, command);
      if (command.type === 'watch_events') await this.eventSubscriptions.watch(connection, command);
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      this.hub.sendError(connection, error);
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
