import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Transport } from '../../hub/index.js';
import type { Close } from '../../protocol/index.js';

/** A WebSocket as the hub writes to it: ready frames go to the socket below `ws`, which would frame them once more. */
export class WsTransport implements Transport {
  readonly name = 'websocket';

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
    if (frames.length === 1) {
      this.socket.write(frames[0]!);
      return;
    }
    // Corked, so that they leave in one system call.
    this.socket.cork();
    for (const frame of frames) this.socket.write(frame);
    this.socket.uncork();
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
