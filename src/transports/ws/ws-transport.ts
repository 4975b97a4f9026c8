import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Transport } from '../../hub/index.js';
import type { Close } from '../../protocol/index.js';
import { deflatedJsonFraming, deflatedMessagePackFraming, jsonFraming, messagePackFraming } from './framing.js';

/** What somebody may still send who was not let in: about what was on its way when they heard of it. */
const MAX_BYTES_AFTER_DISMISSAL = 64 * 1024;

const ENCODINGS = { json: jsonFraming, messagePack: messagePackFraming };
const DEFLATED_ENCODINGS = { json: deflatedJsonFraming, messagePack: deflatedMessagePackFraming };

/** A WebSocket as the hub writes to it: ready frames go to the socket below `ws`, which would frame them once more. */
export class WsTransport implements Transport {
  readonly name = 'websocket';
  readonly canAnswer = true;
  readonly encodings: typeof ENCODINGS;
  /** Of those who want the peer not to be read. */
  #holds = 0;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Socket,
    readonly address: string,
  ) {
    // There is no other extension than permessage-deflate.
    this.encodings = webSocket.extensions === '' ? ENCODINGS : DEFLATED_ENCODINGS;
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  write(frames: Buffer, ping?: number): void {
    if (!this.#isWritable) return;
    // A ping is seldom enough that to copy what it follows is cheaper than a second piece in the write.
    this.socket.write(ping === undefined ? frames : Buffer.concat([frames, pingFrame(ping)]));
  }

  /** Calls the listener whenever the peer has taken all that was written. */
  onDrain(listener: () => void): void {
    this.socket.on('drain', listener);
  }

  ping(number: number): void {
    if (this.#isWritable) this.socket.write(pingFrame(number));
  }

  /** Calls the listener with the number of each ping that the peer answers. */
  onPong(listener: (number: number) => void): void {
    this.webSocket.on('pong', (payload: Buffer) => listener(payload.length === 4 ? payload.readUInt32BE() : 0));
  }

  close({ code, reason }: Close): void {
    this.webSocket.close(code, reason);
  }

  /** Closes it to somebody who is not let in. Who goes on to send, instead of answering, is cut off. */
  dismiss(close: Close): void {
    let bytes = 0;
    this.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES_AFTER_DISMISSAL) this.terminate();
    });
    this.close(close);
  }

  /** Ends it as soon as what was written is on its way, a close included: the peer's answer to that is not waited for. */
  end(): void {
    this.socket.once('finish', () => this.socket.destroy());
    this.socket.end();
  }

  /** Does not read the peer until {@link resume}: each who has paused it resumes it, and the last one counts. */
  pause(): void {
    if (++this.#holds === 1) this.webSocket.pause();
  }

  resume(): void {
    if (--this.#holds === 0) this.webSocket.resume();
  }

  terminate(): void {
    this.webSocket.terminate();
  }

  /** Not by `instanceof`, or a second copy of `ws` would count as closed: 1 is OPEN (RFC 6455's API). */
  get #isWritable(): boolean {
    return this.webSocket.readyState === 1 && this.socket.writable;
  }
}

/** A ping (RFC 6455, 5.5.2) with a number of four bytes, which its answer repeats. */
function pingFrame(number: number): Buffer {
  const frame = Buffer.from([0x89, 4, 0, 0, 0, 0]);
  frame.writeUInt32BE(number, 2);
  return frame;
}
