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
import { acceptableOffer } from './deflate-offer.js';
import { type Endpoint, EndpointTable } from './endpoints.js';
import { FirstFrames } from './first-frames.js';
import { MAX_FRAME_BYTES, MAX_FRAME_BYTES_OF_STRANGERS, limitPayload } from './limit-payload.js';
import { releaseInflater } from './release-inflater.js';
import { refuseUpgrade } from './upgrade-router.js';
import { WsSession } from './ws-session.js';
import { WsTransport } from './ws-transport.js';

/** Each costs as much as a frame of its own, however little it brings. */
const MAX_FRAGMENTS_A_MESSAGE = 1024;
/** Pieces of a frame that the network brought apart. The kernel gathers what does not come byte by byte. */
const MAX_PIECES_A_FRAME = 16 * 1024;
/** How long a client may take to answer a close. */
const PATIENCE_MILLIS = 5000;
/** What is negotiated: no message, of either side, refers to one before it. */
const DEFLATE = { serverNoContextTakeover: true, clientNoContextTakeover: true };

export interface AdmissionOptions {
  /** Whether permessage-deflate is accepted where a client offers it. */
  readonly compression: boolean;
}

/** Why somebody is not let in who is to be told before there is a connection: one more is what there is no room for. */
const TOLD_BY_HTTP: ReadonlySet<ErrorCode> = new Set([
  'foreign_origin',
  'rate_limited',
  'connection_limit',
  'keys_unavailable',
] as const);

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
    private readonly firstFrames: FirstFrames,
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
    if ('status' in endpoint) refuseUpgrade(socket, endpoint.status);
    else this.#orRefuse(socket, () => this.#approach(endpoint, request, socket, head));
    return true;
  };

  /** Looks for the key of somebody's token, if where they come from does not say already that they may not. */
  #approach(endpoint: Endpoint, request: EndpointRequest, socket: Duplex, head: Buffer): void {
    const visitor = this.doorway.screen(request);
    const seeking = this.doorway.seekKey(tokenOf(endpoint, request));
    if (!seeking) {
      this.#upgrade(endpoint, visitor, request, socket, head);
      return;
    }
    // Nobody else listens yet, and an error without a listener would end the process.
    socket.on('error', this.#noteBrokenProtocol);
    void seeking.then(() => {
      if (this.reception.isDraining) refuseUpgrade(socket, 503);
      // Others have come meanwhile, and what was still free may be no more.
      else this.#orRefuse(socket, () => this.#upgrade(endpoint, this.doorway.screen(request), request, socket, head));
    });
  }

  #orRefuse(socket: Duplex, go: () => void): void {
    try {
      go();
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      this.reception.noteRefusal(error);
      refuseUpgrade(socket, error);
    }
  }

  #upgrade(endpoint: Endpoint, visitor: Visitor, request: EndpointRequest, socket: Duplex, head: Buffer): void {
    const guest = this.#meet(endpoint, visitor, request);
    request.endpoint = endpoint;
    if (this.options.compression) {
      // `ws` would refuse a client for an offer that it only has to decline. Who is not known must not make us inflate.
      const offer = guest.principal ? request.headers['sec-websocket-extensions'] : '';
      request.headers['sec-websocket-extensions'] = acceptableOffer(offer);
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', this.#noteBrokenProtocol);
      if (!guest.principal) limitPayload(webSocket, MAX_FRAME_BYTES_OF_STRANGERS);
      if (webSocket.extensions !== '') webSocket.on('message', releaseInflater);
      const transport = new WsTransport(webSocket, socket as Socket, visitor.address);
      this.doorway.hold(visitor, socket);
      try {
        this.#receive(guest, endpoint, webSocket, transport);
      } catch (error) {
        this.#refuse(endpoint.dialect, transport, MetricastError.from(error));
      }
    });
  }

  /** Finds out who comes. @throws {@link MetricastError} where they are to be told by HTTP why they may not. */
  #meet(endpoint: Endpoint, visitor: Visitor, request: IncomingMessage): Guest {
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
    const { principal, refusal } = guest;
    if (refusal) throw refusal;
    if (principal) {
      this.#open(endpoint, principal, webSocket, transport);
      return;
    }
    const { dialect } = endpoint;
    this.firstFrames.await(
      { ...guest, dialect, webSocket, transport },
      {
        enter: (known) => this.#open(endpoint, known, webSocket, transport),
        refuse: (error) => this.#refuse(dialect, transport, error),
      },
    );
  }

  /** True where the handshake brought no token, and the first frame may. */
  #owesToken(endpoint: Endpoint, request: IncomingMessage): boolean {
    const hasToken = tokenOf(endpoint, request) !== undefined;
    return !hasToken && endpoint.dialect.tokenInFirstFrame === true && this.authenticator.needsToken;
  }

  #open({ dialect, query }: Endpoint, principal: Principal, webSocket: WebSocket, transport: WsTransport): void {
    const { hub, budget, handlers, reception } = this;
    const connection = reception.open({ principal, dialect, framing: transport.encodings.json, transport, query });
    const session = new WsSession(connection, transport, { hub, budget, handlers });
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
    transport.dismiss(dialect.close?.(close) ?? close);
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
