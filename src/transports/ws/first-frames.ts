import { Injectable } from '@nestjs/common';
import type { WebSocket } from 'ws';
import type { Credentials } from '../../auth/index.js';
import { RETRY_AFTER } from '../../limits/index.js';
import { type Dialect, ERRORS, MetricastError, type Principal } from '../../protocol/index.js';
import { Doorway, Reception, type Visitor } from '../connections/index.js';
import { decodeFrame } from './decode-frame.js';
import { holdBack } from './hold-back.js';
import { MAX_FRAME_BYTES, limitPayload } from './limit-payload.js';
import type { WsTransport } from './ws-transport.js';

/** How many may owe a token at once. Of more, the one goes that has owed it the longest: who means it sends it at once. */
const MAX_OWING = 1000;
/** Pings and pongs of somebody who has not said yet who they are. */
const MAX_SIGNS_BEFORE_TOKEN = 100;
/** How long a client may take to send its token. */
const PATIENCE_MILLIS = 5000;

/** Somebody whose handshake brought no token, and whose first frame may. */
export interface Newcomer {
  readonly dialect: Dialect;
  readonly visitor: Visitor;
  readonly from: Omit<Credentials, 'token'>;
  readonly webSocket: WebSocket;
  readonly transport: WsTransport;
}

/** What becomes of somebody who owed a token. */
export interface Outcome {
  readonly enter: (principal: Principal) => void;
  readonly refuse: (error: MetricastError) => void;
}

/** Waits for those who bring their token in their first frame: lets them in with it, and refuses them for anything else. */
@Injectable()
export class FirstFrames {
  /** Sends those away who still owe, with this error; the one that came first is the first. */
  readonly #giveUps = new Map<WsTransport, (error: MetricastError) => void>();

  constructor(
    private readonly doorway: Doorway,
    private readonly reception: Reception,
  ) {}

  await(newcomer: Newcomer, { enter, refuse }: Outcome): void {
    const { webSocket, transport } = newcomer;
    this.#makeRoom();
    const giveUp = (error: MetricastError) => {
      if (!this.#settle(transport)) return;
      refuse(error);
      // They have kept us waiting once.
      transport.end();
    };
    const timer = setTimeout(() => giveUp(new MetricastError('unauthenticated')), PATIENCE_MILLIS);
    this.#giveUps.set(transport, giveUp);
    this.reception.owing.add(transport);
    // They have said nothing yet that would be worth an answer: a few signs of life are all that is expected.
    let signs = 0;
    const countSign = () => void (++signs > MAX_SIGNS_BEFORE_TOKEN && webSocket.terminate());
    webSocket.on('ping', countSign).on('pong', countSign);
    webSocket.once('close', () => {
      clearTimeout(timer);
      this.#settle(transport);
    });
    const check = (token: string) => {
      // One that is being sent away may still send: too late.
      if (!this.#settle(transport)) return;
      try {
        enter(this.doorway.admit(newcomer.visitor, { token, ...newcomer.from }));
      } catch (error) {
        refuse(whyRefused(error));
      }
    };
    webSocket.once('message', (data, isBinary) => {
      clearTimeout(timer);
      webSocket.off('ping', countSign).off('pong', countSign);
      // Before it is known whether the token is good, as what came right behind it is looked at while its key is sought.
      limitPayload(webSocket, MAX_FRAME_BYTES);
      const token = tokenIn(newcomer.dialect, data as Buffer, isBinary);
      const seeking = this.doorway.seekKey(token);
      if (!seeking) check(token);
      else holdBack(webSocket, transport, () => seeking.then(() => check(token)));
    });
  }

  #makeRoom(): void {
    if (this.#giveUps.size < MAX_OWING) return;
    const [oldest] = this.#giveUps.values();
    oldest!(new MetricastError('connection_limit', { retryAfter: RETRY_AFTER }));
  }

  /** Strikes somebody off who owes no more; false where they owed nothing any more. */
  #settle(transport: WsTransport): boolean {
    this.#giveUps.delete(transport);
    return this.reception.owing.delete(transport);
  }
}

/** The token that a first frame brings; empty where it brings none. */
function tokenIn(dialect: Dialect, data: Buffer, isBinary: boolean): string {
  try {
    const command = dialect.parse(decodeFrame(data, isBinary));
    return command.type === 'authenticate' ? command.token : '';
  } catch {
    return '';
  }
}

/** What is wrong beside the token. All else that a first frame can be is no token. */
const SAID_AS_IS: ReadonlySet<number> = new Set([403, 429, 503]);

function whyRefused(error: unknown): MetricastError {
  if (!(error instanceof MetricastError)) return new MetricastError('unauthenticated', { cause: error });
  const isToldAsIs = error.code === 'unauthenticated' || SAID_AS_IS.has(ERRORS[error.code].status);
  return isToldAsIs ? error : new MetricastError('unauthenticated', { cause: error });
}
