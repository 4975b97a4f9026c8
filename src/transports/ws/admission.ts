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
  type ErrorCode,
  MetricastError,
  type Principal,
  describeThrown,
} from '../../protocol/index.js';
import { Doorway, Reception, type Visitor } from '../connections/index.js';
import { CommandHandlers } from './command-handlers.js';
import { decodeFrame } from './decode-frame.js';
import { acceptableOffer } from './deflate-offer.js';
import { type Endpoint, EndpointTable } from './endpoints.js';
import { holdBack } from './hold-back.js';
import { releaseInflater } from './release-inflater.js';
import { refuseUpgrade } from './upgrade-router.js';
import { WsSession } from './ws-session.js';
import { WsTransport } from './ws-transport.js';

const MAX_FRAME_BYTES = 1024 * 1024;
/** Each costs as much as a frame of its own, however little it brings. */
const MAX_FRAGMENTS_A_MESSAGE = 1024;
/** Pieces of a frame that the network brought apart. The kernel gathers what does not come byte by byte. */
const MAX_PIECES_A_FRAME = 16 * 1024;
/** Of a first frame that brings a token. */
const MAX_TOKEN_FRAME_BYTES = 16 * 1024;
/** Pings and pongs of somebody who has not said yet who they are. */
const MAX_SIGNS_BEFORE_TOKEN = 100;
/** How long a client may take to send its token, and to answer a close. */
const PATIENCE_MILLIS = 5000;
/** What is negotiated: no message, of either side, refers to one before it. */
const DEFLATE = { serverNoContextTakeover: true, clientNoContextTakeover: true };

export interface AdmissionOptions {
  /** Whether permessage-deflate is accepted where a client offers it. */
  readonly compression: boolean;
}

/** Why somebody is not let in who is to be told before there is a connection: one more is what there is no room for. */
const TOLD_BY_HTTP: ReadonlySet<ErrorCode> = new Set(['foreign_origin', 'rate_limited', 'connection_limit'] as const);

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
    private readonly doorway: Doorway,
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
      maxFragments: MAX_FRAGMENTS_A_MESSAGE,
      maxBufferedChunks: MAX_PIECES_A_FRAME,
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
    const seeking = this.doorway.seekKey(tokenOf(endpoint, request));
    if (!seeking) {
      this.#upgrade(endpoint, request, socket, head);
      return true;
    }
    // Nobody else listens yet, and an error without a listener would end the process.
    socket.on('error', this.#noteBrokenProtocol);
    void seeking.then(() => {
      if (this.reception.isDraining) refuseUpgrade(socket, 503);
      else this.#upgrade(endpoint, request, socket, head);
    });
    return true;
  };

  #upgrade(endpoint: Endpoint, request: EndpointRequest, socket: Duplex, head: Buffer): void {
    let guest: Guest;
    try {
      guest = this.#meet(endpoint, request);
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      this.reception.noteRefusal(error);
      refuseUpgrade(socket, error);
      return;
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
      const transport = new WsTransport(webSocket, socket as Socket, guest.visitor.address);
      this.doorway.hold(guest.visitor, socket);
      try {
        this.#receive(guest, endpoint, webSocket, transport);
      } catch (error) {
        this.#refuse(endpoint.dialect, transport, MetricastError.from(error));
      }
    });
  }

  /** Finds out who comes. @throws {@link MetricastError} where they are to be told by HTTP why they may not. */
  #meet(endpoint: Endpoint, request: IncomingMessage): Guest {
    const visitor = this.doorway.screen(request);
    const from = { tenants: tenantsIn(endpoint.query), isLocal: isLocalRequest(request.headers) };
    if (this.#owesToken(endpoint, request)) return { visitor, from };
    try {
      const token = tokenOf(endpoint, request);
      return { visitor, from, principal: this.doorway.admit(visitor, { token, ...from }) };
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      if (TOLD_BY_HTTP.has(error.code)) throw error;
      return { visitor, from, refusal: error };
    }
  }

  #receive(guest: Guest, endpoint: Endpoint, webSocket: WebSocket, transport: WsTransport): void {
    if (guest.refusal) throw guest.refusal;
    if (guest.principal) this.#open(endpoint, guest.principal, webSocket, transport);
    else this.#awaitToken(endpoint, guest, webSocket, transport);
  }

  /** True where the handshake brought no token, and the first frame may. */
  #owesToken(endpoint: Endpoint, request: IncomingMessage): boolean {
    const hasToken = tokenOf(endpoint, request) !== undefined;
    return !hasToken && endpoint.dialect.tokenInFirstFrame === true && this.authenticator.needsToken;
  }

  /** Opens the connection once its first frame has brought a token, and refuses it if it brings anything else. */
  #awaitToken(endpoint: Endpoint, { visitor, from }: Guest, webSocket: WebSocket, transport: WsTransport): void {
    const { dialect } = endpoint;
    const refuse = (error: unknown) => this.#refuse(dialect, transport, MetricastError.from(error));
    const timer = setTimeout(() => {
      if (!this.reception.owing.delete(transport)) return;
      this.doorway.noteFailure(visitor);
      refuse(new MetricastError('unauthenticated'));
    }, PATIENCE_MILLIS);
    // They have said nothing yet that would be worth an answer: a few signs of life are all that is expected.
    let signs = 0;
    const countSign = () => void (++signs > MAX_SIGNS_BEFORE_TOKEN && webSocket.terminate());
    webSocket.on('ping', countSign).on('pong', countSign);
    this.reception.owing.add(transport);
    webSocket.once('close', () => {
      clearTimeout(timer);
      this.reception.owing.delete(transport);
    });
    const enter = (token: string) => {
      // One that is being sent away may still send: too late.
      if (!this.reception.owing.delete(transport)) return;
      try {
        this.#open(endpoint, this.doorway.admit(visitor, { token, ...from }), webSocket, transport);
      } catch (error) {
        refuse(
          error instanceof MetricastError && SAID_AS_IS.has(ERRORS[error.code].status) ? error : unauthenticated(error),
        );
      }
    };
    webSocket.once('message', (data, isBinary) => {
      clearTimeout(timer);
      webSocket.off('ping', countSign).off('pong', countSign);
      const token = tokenIn(dialect, data as Buffer, isBinary);
      const seeking = this.doorway.seekKey(token);
      if (seeking)
        holdBack(
          webSocket,
          seeking.then(() => enter(token)),
        );
      else enter(token);
    });
  }

  #open({ dialect, query }: Endpoint, principal: Principal, webSocket: WebSocket, transport: WsTransport): void {
    const { hub, budget, handlers, reception } = this;
    const connection = reception.open({ principal, dialect, framing: transport.encodings.json, transport, query });
    const session = new WsSession(connection, webSocket, { hub, budget, handlers });
    webSocket.on('message', (data, isBinary) => session.receive(data as Buffer, isBinary));
    webSocket.on('ping', () => session.receiveControlFrame());
    webSocket.on('close', () => hub.close(connection));
    transport.onPong((number) => {
      connection.lastHeardAt = Date.now();
      if (!hub.answered(connection, number)) session.receiveControlFrame();
    });
    transport.onDrain(() => hub.drain(connection));
    session.begin(reception.openingCommands(connection, query));
  }

  #refuse(dialect: Dialect, transport: WsTransport, error: MetricastError): void {
    if (error.code === 'internal') this.#logger.error(describeThrown(error.cause));
    this.reception.noteRefusal(error);
    transport.write(transport.encodings.json.frame(dialect.renderError(error, Date.now())));
    const close: Close = ERRORS[error.code].close ?? CLOSE.internal;
    transport.close(dialect.close?.(close) ?? close);
  }
}

/** An option that `ws` has and its types have not. */
interface NotTypedYet {
  readonly closeTimeout: number;
}

/** Somebody at an endpoint: with `principal` they are known, with `refusal` not let in; with neither they owe a token. */
interface Guest {
  readonly visitor: Visitor;
  readonly from: Omit<Credentials, 'token'>;
  readonly principal?: Principal;
  readonly refusal?: MetricastError;
}

interface EndpointRequest extends IncomingMessage {
  endpoint?: Endpoint;
}

/** The token that the handshake brought. */
function tokenOf({ token }: Endpoint, { headers }: IncomingMessage): string | undefined {
  return bearerToken(headers.authorization) ?? token;
}

/**
 * The token that a first frame brings; empty where it brings none. Nobody knows yet who sends it: what a large one would
 * cost to decode, anybody could make us pay.
 */
function tokenIn(dialect: Dialect, data: Buffer, isBinary: boolean): string {
  if (data.length > MAX_TOKEN_FRAME_BYTES) return '';
  try {
    const command = dialect.parse(decodeFrame(data, isBinary));
    return command.type === 'authenticate' ? command.token : '';
  } catch {
    return '';
  }
}

/** What is wrong beside the token. All else that a first frame can be is no token. */
const SAID_AS_IS: ReadonlySet<number> = new Set([403, 429]);

function unauthenticated(cause: unknown): MetricastError {
  return cause instanceof MetricastError && cause.code === 'unauthenticated'
    ? cause
    : new MetricastError('unauthenticated', { cause });
}
