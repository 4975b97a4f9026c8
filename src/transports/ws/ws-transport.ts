import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Transport } from '../../hub/index.js';
import type { Close } from '../../protocol/index.js';
import { jsonFraming, messagePackFraming } from './framing.js';

const ENCODINGS = { json: jsonFraming, messagePack: messagePackFraming };

/** A WebSocket as the hub writes to it: ready frames go to the socket below `ws`, which would frame them once more. */
export class WsTransport implements Transport {
  readonly name = 'websocket';
  readonly canAnswer = true;
  readonly encodings = ENCODINGS;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Socket,
    readonly address: string,
  ) {}

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  write(frames: readonly Buffer[]): void {
    // Not by `instanceof`, or a second copy of `ws` would count as closed: 1 is OPEN (RFC 6455's API).
    if (this.webSocket.readyState !== 1 || !this.socket.writable) return;
    // One write, so one system call. To copy the bytes is cheaper than what the stream does for each write.
    this.socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  }

  /** Calls the listener whenever the peer has taken all that was written. */
  onDrain(listener: () => void): void {
    this.socket.on('drain', listener);
  }

  ping(): void {
    if (this.webSocket.readyState === 1) this.webSocket.ping();
  }

  close({ code, reason }: Close): void {
    this.webSocket.close(code, reason);
  }

  terminate(): void {
    this.webSocket.terminate();
  }
}
