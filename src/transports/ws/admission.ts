import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { WebSocket, WebSocketServer } from 'ws';
import { Authenticator, type Credentials, bearerToken, hasRole, isLocalRequest, tenantsIn } from '../../auth/index.js';
import { type Connection, Hub, InboundBudget, type Transport } from '../../hub/index.js';
import { CLOSE, type Dialect, ERRORS, MetricastError, type Principal, describeThrown } from '../../protocol/index.js';
import { CommandHandlers } from './command-handlers.js';
import { decodeFrame } from './decode-frame.js';
import { type Endpoint, EndpointTable } from './endpoints.js';
import { jsonFraming } from './framing.js';
import { refuseUpgrade } from './upgrade-router.js';
import { WsSession } from './ws-session.js';
import { WsTransport } from './ws-transport.js';

const MAX_FRAME_BYTES = 1024 * 1024;
/** How long a client may take to send its token, and to answer a close. */
const PATIENCE_MILLIS = 5000;

export interface AdmissionOptions {
  /** Seconds between two heartbeats. */
  readonly heartbeatInterval: number;
}

export const ADMISSION_OPTIONS = Symbol('metricast.admission-options');

/**
 * Lets clients in. Who somebody is is known before their first frame is looked at; whoever is refused is told why, in
 * the words of their dialect, on a WebSocket that is closed right after.
 */
@Injectable()
export class Admission {
  readonly #logger = new Logger(Admission.name);
  readonly #server = new WebSocketServer({
    ...({ closeTimeout: PATIENCE_MILLIS } satisfies NotTypedYet),
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    // Told by the endpoint below; `ws` would confirm the first one offered.
    handleProtocols: (_offered, request) => (request as EndpointRequest).endpoint?.subprotocol ?? false,
  });
  /** Those who have not sent their token yet, and are not refused yet. */
  readonly #owing = new Set<WsTransport>();
  #isDraining = false;
  /** One function for all: made where the request is in scope, it would keep the request as long as the connection. */
  readonly #noteBrokenProtocol = (error: Error): void => {
    this.#logger.debug(`A peer broke the protocol: ${error.message}`);
  };

  constructor(
    private readonly endpoints: EndpointTable,
    private readonly authenticator: Authenticator,
    private readonly hub: Hub,
    private readonly budget: InboundBudget,
    private readonly handlers: CommandHandlers,
    @Inject(ADMISSION_OPTIONS) private readonly options: AdmissionOptions,
  ) {}

  /** Takes an upgrade request on one of our paths; false for any other. */
  readonly take = (request: EndpointRequest, socket: Duplex, head: Buffer): boolean => {
    if (!this.endpoints.has(request)) return false;
    const endpoint = this.#isDraining ? ({ status: 503 } as const) : this.endpoints.find(request);
    if ('status' in endpoint) {
      refuseUpgrade(socket, endpoint.status);
      return true;
    }
    request.endpoint = endpoint;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', this.#noteBrokenProtocol);
      const transport = new WsTransport(webSocket, socket as Socket, (socket as Socket).remoteAddress ?? '');
      try {
        this.#admit(endpoint, request, webSocket, transport);
      } catch (error) {
        this.#refuse(endpoint.dialect, transport, MetricastError.from(error));
      }
    });
    return true;
  };

  /** Lets nobody in any more, and sends those away who are about to come in. Returns them. */
  drain(): Transport[] {
    this.#isDraining = true;
    const leaving = [...this.#owing];
    this.#owing.clear();
    for (const transport of leaving) transport.close(CLOSE.goingAway);
    return leaving;
  }

  #admit(endpoint: Endpoint, request: IncomingMessage, webSocket: WebSocket, transport: WsTransport): void {
    const token = bearerToken(request.headers.authorization) ?? endpoint.token;
    const from = { tenants: tenantsIn(endpoint.query), isLocal: isLocalRequest(request.headers) };
    const { dialect } = endpoint;
    if (token === undefined && dialect.tokenInFirstFrame && this.authenticator.needsToken) {
      this.#awaitToken(dialect, from, webSocket, transport);
    } else {
      this.#open(dialect, this.authenticator.authenticate({ token, ...from }), webSocket, transport);
    }
  }

  /** Opens the connection once its first frame has brought a token, and refuses it if it brings anything else. */
  #awaitToken(dialect: Dialect, from: Omit<Credentials, 'token'>, webSocket: WebSocket, transport: WsTransport): void {
    const refuse = (error: unknown) => this.#refuse(dialect, transport, MetricastError.from(error));
    const timer = setTimeout(() => {
      if (this.#owing.delete(transport)) refuse(new MetricastError('unauthenticated'));
    }, PATIENCE_MILLIS);
    this.#owing.add(transport);
    webSocket.once('close', () => {
      clearTimeout(timer);
      this.#owing.delete(transport);
    });
    webSocket.once('message', (data, isBinary) => {
      clearTimeout(timer);
      // One that is being sent away may still send: too late.
      if (!this.#owing.delete(transport)) return;
      try {
        const command = dialect.parse(decodeFrame(data as Buffer, isBinary));
        if (command.type !== 'authenticate') throw new MetricastError('unauthenticated');
        const principal = this.authenticator.authenticate({ token: command.token, ...from });
        this.#open(dialect, principal, webSocket, transport);
      } catch (error) {
        refuse(error instanceof MetricastError && ERRORS[error.code].status === 403 ? error : unauthenticated(error));
      }
    });
  }

  #open(dialect: Dialect, principal: Principal, webSocket: WebSocket, transport: WsTransport): void {
    const { hub, budget, handlers } = this;
    const { heartbeatInterval } = this.options;
    const connection = hub.open(randomUUID(), principal, dialect, jsonFraming, transport);
    const session = new WsSession(connection, webSocket, { hub, budget, handlers });
    webSocket.on('message', (data, isBinary) => session.receive(data as Buffer, isBinary));
    webSocket.on('pong', () => (connection.lastHeardAt = Date.now()));
    webSocket.on('ping', () => (connection.lastHeardAt = Date.now()));
    webSocket.on('close', () => hub.close(connection));
    transport.onDrain(() => connection.outbox.flush());
    const greeting = { connectionId: connection.id, principal, now: Date.now(), heartbeatInterval };
    for (const message of dialect.greet(greeting)) hub.send(connection, message);
    this.#subscribeUnasked(connection);
  }

  /** No command is sent for these subscriptions, so no guard is asked: what it would ask is asked here. */
  #subscribeUnasked(connection: Connection): void {
    const { dialect, principal } = connection;
    if (dialect.subscribedOnConnect.length === 0) return;
    if (hasRole(principal, 'viewer')) {
      for (const subscription of dialect.subscribedOnConnect) this.hub.subscribe(connection, subscription);
    } else {
      const error = new MetricastError('forbidden', { detail: 'needs the role viewer' });
      this.hub.send(connection, dialect.renderError(error, Date.now()));
    }
  }

  #refuse(dialect: Dialect, transport: WsTransport, error: MetricastError): void {
    if (error.code === 'internal') this.#logger.error(describeThrown(error.cause));
    transport.write([jsonFraming.frame(dialect.renderError(error, Date.now()))]);
    transport.close(ERRORS[error.code].close ?? CLOSE.internal);
  }
}

/** An option that `ws` has and its types have not. */
interface NotTypedYet {
  readonly closeTimeout: number;
}

interface EndpointRequest extends IncomingMessage {
  endpoint?: Endpoint;
}

function unauthenticated(cause: unknown): MetricastError {
  return cause instanceof MetricastError && cause.code === 'unauthenticated'
    ? cause
    : new MetricastError('unauthenticated', { cause });
}
