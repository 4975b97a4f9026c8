import { setImmediate } from 'node:timers/promises';
import { type Connection, type Hub, InboundBudget } from '../../hub/index.js';
import {
  CLOSE,
  type Command,
  type CommandId,
  ERRORS,
  MetricastError,
  type Millis,
  parseCommandId,
} from '../../protocol/index.js';
import type { CommandHandlers } from './command-handlers.js';
import { type Frame, decodeFrame } from './decode-frame.js';

/** Malformed frames in a row with which a connection ends. */
const MAX_MALFORMED = 20;
/** Pings of a peer in a minute, and pongs that nobody asked it for. Each costs about as much as a message, and says nothing. */
const MAX_CONTROL_FRAMES = 6000;
const MINUTE: Millis = 60_000;
/** Commands that may wait for the one before them; then the socket is not read for a while. */
const MAX_WAITING = 64;

/** Between two large frames of one who may send no more. */
const REST_MILLIS = 1000;

/** Commands of one connection that are run before the others have their turn. */
const COMMANDS_A_TURN = 16;

export interface SessionServices {
  readonly hub: Hub;
  readonly budget: InboundBudget;
  readonly handlers: CommandHandlers;
}

/** Reading can be held back: it goes on once everybody has resumed it who had paused it. */
export interface Readable {
  pause(): void;
  resume(): void;
}

interface Failed {
  readonly type: 'failed';
  readonly error: MetricastError;
  readonly id?: CommandId;
}

type Inbound = Command | Failed;

/** The inbound side of an admitted connection: turns its frames into commands and runs them, one after the other. */
export class WsSession {
  #malformedInARow = 0;
  #controlFrames = 0;
  #controlFramesSince: Millis = 0;
  #isBusy = false;
  /** Whether the source is held back for those that wait. */
  #isFull = false;
  #waiting: Inbound[] = [];

  constructor(
    readonly connection: Connection,
    private readonly source: Readable,
    private readonly services: SessionServices,
  ) {}

  /** Takes a frame. Never throws, whatever is in it. */
  receive(data: Buffer, isBinary: boolean): void {
    const { connection } = this;
    if (!connection.isOpen) return;
    connection.lastHeardAt = Date.now();
    const limited = this.#pay(connection.lastHeardAt, data.length);
    if (limited) {
      if (data.length > InboundBudget.BYTES_A_MESSAGE) this.#restFromReading();
      this.#enqueue(limited);
      return;
    }
    const inbound = this.#read(data, isBinary);
    if (inbound?.type === 'pong') return;
    if (inbound) this.#enqueue(inbound);
  }

  /** Takes a ping, or a pong that nobody has asked for. Who sends nothing but these, as fast as can be, is not read any more. */
  receiveControlFrame(): void {
    const { connection } = this;
    if (!connection.isOpen) return;
    const now = Date.now();
    connection.lastHeardAt = now;
    const isOver = now - this.#controlFramesSince >= MINUTE || now < this.#controlFramesSince;
    if (isOver) [this.#controlFrames, this.#controlFramesSince] = [0, now];
    if (++this.#controlFrames <= MAX_CONTROL_FRAMES) return;
    this.services.hub.close(connection, CLOSE.protocolViolation);
    this.source.pause();
    setTimeout(() => connection.transport.terminate(), REST_MILLIS).unref();
  }

  /** Runs what the connection asked for by being opened, before its first frame. Asked for so, it is no cheaper. */
  begin(commands: readonly Command[]): void {
    for (const command of commands) {
      const limited = this.#pay(Date.now());
      if (limited) {
        this.#fail(limited.error);
        // Open it would stay empty: its client has asked already, and has no reason to ask again.
        this.services.hub.close(this.connection, CLOSE.tooMany);
        return;
      }
      this.#enqueue(command);
    }
  }

  /** Takes a message from the budget; where that is used up, what is told instead of an answer. */
  #pay(now: Millis, bytes?: number): Failed | undefined {
    const retryAfter = this.services.budget.take(this.connection.principal, now, bytes);
    return retryAfter > 0 ? { type: 'failed', error: new MetricastError('rate_limited', { retryAfter }) } : undefined;
  }

  /** What the frame asks for; undefined where the connection ended over it. */
  #read(data: Buffer, isBinary: boolean): Inbound | undefined {
    let frame: Frame | undefined;
    try {
      frame = decodeFrame(data, isBinary);
      const command = this.connection.dialect.parse(frame);
      this.#malformedInARow = 0;
      if (command.type !== 'authenticate') return command;
      // Who a connection belongs to does not change once it is open. But a token that is sent is never passed over.
      throw new MetricastError(this.connection.principal.authenticated ? 'unknown_type' : 'unauthenticated');
    } catch (thrown) {
      const error = MetricastError.from(thrown);
      // Whoever asks for something unknown at least speaks the protocol.
      this.#malformedInARow = error.code === 'bad_frame' ? this.#malformedInARow + 1 : 0;
      const close = this.#malformedInARow >= MAX_MALFORMED ? CLOSE.protocolViolation : ERRORS[error.code].close;
      if (close) {
        this.#fail(error);
        this.services.hub.close(this.connection, close);
        return undefined;
      }
      return { type: 'failed', error, id: parseCommandId(frame?.['id']) };
    }
  }

  /** What is dropped was inflated before, and few bytes inflate to many: whoever goes on is read more slowly. */
  #restFromReading(): void {
    this.source.pause();
    setTimeout(() => this.source.resume(), REST_MILLIS).unref();
  }

  #enqueue(inbound: Inbound): void {
    if (!this.#isBusy) {
      this.#run(inbound).catch((error: unknown) => this.#giveUp(error));
      return;
    }
    this.#waiting.push(inbound);
    if (this.#waiting.length < MAX_WAITING || this.#isFull) return;
    this.#isFull = true;
    this.source.pause();
  }

  async #run(first: Inbound): Promise<void> {
    this.#isBusy = true;
    let count = 0;
    for (let next: Inbound | undefined = first; next && this.connection.isOpen; next = this.#waiting.shift()) {
      if (++count % COMMANDS_A_TURN === 0) await setImmediate();
      if (next.type === 'failed') this.#fail(next.error, next.id);
      // The gateway's filter has answered whatever its handler threw: this does not reject.
      else await this.services.handlers.handle(this.connection, next);
      if (this.#isFull && this.#waiting.length <= MAX_WAITING / 2) {
        this.#isFull = false;
        this.source.resume();
      }
    }
    this.#isBusy = false;
  }

  /** Nothing gets here but a mistake of ours. It ends this connection, and no other. */
  #giveUp(error: unknown): void {
    this.services.handlers.logInternal(MetricastError.from(error));
    this.services.hub.close(this.connection, CLOSE.internal);
  }

  #fail(error: MetricastError, id?: CommandId): void {
    if (error.code === 'internal') this.services.handlers.logInternal(error);
    this.services.hub.sendError(this.connection, error, id);
  }
}
