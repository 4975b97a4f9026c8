import type { Close, Dialect, WireMessage } from '../protocol/index.js';

/** What the hub needs of a dialect: its name, and its words for a publication. */
export type Renderer = Pick<Dialect, 'name' | 'render'>;

/** What a stream may say of a message beside the message itself. */
export interface MessageHead {
  /** Where in its channel it stands. */
  readonly cursor?: string;
  readonly isError?: boolean;
}

/** Turns a message into the bytes that stand on the wire, framing included, ready for every connection that uses it. */
export interface Framing {
  /** Equal names mean equal bytes for equal messages. */
  readonly name: string;
  frame(message: WireMessage, head?: MessageHead): Buffer;
}

/** The open stream under a connection. Its owner tells the connection when it drains and when it is gone. */
export interface Transport {
  readonly name: 'websocket' | 'sse';
  /** Where its peer may choose between two; absent where there is but one. */
  readonly encodings?: { readonly json: Framing; readonly messagePack: Framing };
  /** False where a peer has no way to give a sign of life. */
  readonly canAnswer: boolean;
  /** The peer's address; empty where it was gone before that was known. */
  readonly address: string;
  /** Bytes written that the peer has not taken yet. */
  readonly bufferedBytes: number;
  /** True once nothing of the stream is left. */
  readonly isClosed: boolean;
  /**
   * Writes ready frames, and a ping with this number behind them where one is given. Never throws; what a closed stream
   * is given is dropped.
   */
  write(frames: Buffer, ping?: number): void;
  /** Asks the peer for a sign of life, which brings the number back where there is an answer. */
  ping(number: number): void;
  /** Ends the stream with this code; frames written before still arrive. */
  close(close: Close): void;
  /** Ends the stream at once. */
  terminate(): void;
}
