import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { WebSocket, WebSocketServer } from 'ws';
import { Authenticator, type Credentials, bearerToken, isLocalRequest, tenantsIn } from '../../auth/index.js';
import { Hub, InboundBudget } from '../../hub/index.js';
import {
  CLOSE,
  type Close,
  type Dialect,
  ERRORS,
  MetricastError,
  type Principal,
  describeThrown,
} from '../../protocol/index.js';
import { Reception } from '../connections/index.js';
import { CommandHandlers } from './command-handlers.js';
import { decodeFrame } from './decode-frame.js';
import { acceptableOffer } from './deflate-offer.js';
import { type Endpoint, EndpointTable } from './endpoints.js';
import { releaseInflater } from './release-inflater.js';
import { refuseUpgrade } from './upgrade-router.js';
import { WsSession } from './ws-session.js';
import { WsTransport } from './ws-transport.js';

const MAX_FRAME_BYTES = 1024 * 1024;
/** Of a first frame that brings a token. */
const MAX_TOKEN_FRAME_BYTES = 16 * 1024;
/** How long a client may take to send its token, and to answer a close. */
const PATIENCE_MILLIS = 5000;
/** What is negotiated: no message, of either side, refers to one before it. */
const DEFLATE = { serverNoContextTakeover: true, clientNoContextTakeover: true };

export interface AdmissionOptions {
  /** Whether permessage-deflate is accepted where a client offers it. */
  readonly compression: boolean;
}

export const ADMISSION_OPTIONS = Symbol('metricast.admission-options');

/**
 * Lets clients in. Who somebody is is known before their first frame is looked at; whoever is refused is told why, in
 * the words of their dialect, on a WebSocket that is closed right after.
 */
@Injectable()
export class Admission {
  readonly #logger = new Logger(Admission.name);
  readonly #server: WebSocketServer;
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
    private readonly reception: Reception,
    @Inject(ADMISSION_OPTIONS) private readonly options: AdmissionOptions,
  ) {
    this.#server = new WebSocketServer({
      ...({ closeTimeout: PATIENCE_MILLIS } satisfies NotTypedYet),
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: options.compression && DEFLATE,
      // Told by the endpoint below; `ws` would confirm the first one offered.
      handleProtocols: (_offered, request) => (request as EndpointRequest).endpoint?.subprotocol ?? false,
    });
  }

  /** Takes an upgrade request on one of our paths; false for any other. */
  readonly take = (request: EndpointRequest, socket: Duplex, head: Buffer): boolean => {
    if (!this.endpoints.has(request)) return false;
    const endpoint = this.reception.isDraining ? ({ status: 503 } as const) : this.endpoints.find(request);
    if ('status' in endpoint) {
      refuseUpgrade(socket, endpoint.status);
      return true;
    }
    request.endpoint = endpoint;
    if (this.options.compression) {
      // `ws` would refuse a client for an offer that it only has to decline. Who is not known yet must not make us inflate.
      const offer = this.#owesToken(endpoint, request) ? '' : request.headers['sec-websocket-extensions'];
      request.headers['sec-websocket-extensions'] = acceptableOffer(offer);
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', this.#noteBrokenProtocol);
      if (webSocket.extensions !== '') webSocket.on('message', releaseInflater);
      const transport = new WsTransport(webSocket, socket as Socket);
      try {
        this.#admit(endpoint, request, webSocket, transport);
      } catch (error) {
        this.#refuse(endpoint.dialect, transport, MetricastError.from(error));
      }
    });
    return true;
  };

  #admit(endpoint: Endpoint, request: IncomingMessage, webSocket: WebSocket, transport: WsTransport): void {
    const token = bearerToken(request.headers.authorization) ?? endpoint.token;
    const from = { tenants: tenantsIn(endpoint.query), isLocal: isLocalRequest(request.headers) };
    if (this.#owesToken(endpoint, request)) {
      this.#awaitToken(endpoint, from, webSocket, transport);
    } else {
      this.#open(endpoint, this.authenticator.authenticate({ token, ...from }), webSocket, transport);
    }
  }

  /** True where the handshake brought no token, and the first frame may. */
  #owesToken({ token, dialect }: Endpoint, { headers }: IncomingMessage): boolean {
    const hasToken = (bearerToken(headers.authorization) ?? token) !== undefined;
    return !hasToken && dialect.tokenInFirstFrame === true && this.authenticator.needsToken;
  }

  /** Opens the connection once its first frame has brought a token, and refuses it if it brings anything else. */
  #awaitToken(
    endpoint: Endpoint,
    from: Omit<Credentials, 'token'>,
    webSocket: WebSocket,
    transport: WsTransport,
  ): void {
    const { dialect } = endpoint;
    const refuse = (error: unknown) => this.#refuse(dialect, transport, MetricastError.from(error));
    const timer = setTimeout(() => {
      if (this.reception.owing.delete(transport)) refuse(new MetricastError('unauthenticated'));
    }, PATIENCE_MILLIS);
    this.reception.owing.add(transport);
    webSocket.once('close', () => {
      clearTimeout(timer);
      this.reception.owing.delete(transport);
    });
    webSocket.once('message', (data, isBinary) => {
      clearTimeout(timer);
      // One that is being sent away may still send: too late.
      if (!this.reception.owing.delete(transport)) return;
      try {
        // Nobody knows yet who sends it: what a large one would cost to decode, anybody could make us pay.
        if ((data as Buffer).length > MAX_TOKEN_FRAME_BYTES) throw new MetricastError('unauthenticated');
        const command = dialect.parse(decodeFrame(data as Buffer, isBinary));
        if (command.type !== 'authenticate') throw new MetricastError('unauthenticated');
        const principal = this.authenticator.authenticate({ token: command.token, ...from });
        this.#open(endpoint, principal, webSocket, transport);
      } catch (error) {
        refuse(error instanceof MetricastError && ERRORS[error.code].status === 403 ? error : unauthenticated(error));
      }
    });
  }

  #open({ dialect, query }: Endpoint, principal: Principal, webSocket: WebSocket, transport: WsTransport): void {
    const { hub, budget, handlers, reception } = this;
    const connection = reception.open({ principal, dialect, framing: transport.encodings.json, transport, query });
    const session = new WsSession(connection, webSocket, { hub, budget, handlers });
    webSocket.on('message', (data, isBinary) => session.receive(data as Buffer, isBinary));
    webSocket.on('ping', () => (connection.lastHeardAt = Date.now()));
    webSocket.on('close', () => hub.close(connection));
    transport.onPong((number) => {
      connection.lastHeardAt = Date.now();
      hub.answered(connection, number);
    });
    transport.onDrain(() => hub.drain(connection));
    session.begin(reception.openingCommands(connection, query));
  }

  #refuse(dialect: Dialect, transport: WsTransport, error: MetricastError): void {
    if (error.code === 'internal') this.#logger.error(describeThrown(error.cause));
    transport.write(transport.encodings.json.frame(dialect.renderError(error, Date.now())));
    const close: Close = ERRORS[error.code].close ?? CLOSE.internal;
    transport.close(dialect.close?.(close) ?? close);
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
