import type { Writable } from 'node:stream';
import type { Transport } from '../../hub/index.js';
import type { Close } from '../../protocol/index.js';
import { SSE_HEARTBEAT, sseFraming } from './sse-framing.js';

/** Over how long those come back who were sent away at once, in milliseconds. */
const SPREAD_MILLIS = 5000;
/** How long a peer may take to read to the end, and to end its side. */
const PATIENCE_MILLIS = 5000;

/** A stream of server-sent events as the hub writes to it: ready frames go straight below the response. */
export class SseTransport implements Transport {
  readonly name = 'sse';
  readonly canAnswer = false;

  constructor(
    private readonly stream: Writable,
    readonly address: string,
  ) {}

  get bufferedBytes(): number {
    return this.stream.writableLength;
  }

  get isClosed(): boolean {
    return this.stream.destroyed;
  }

  write(frames: Buffer): void {
    if (this.stream.writable) this.stream.write(frames);
  }

  ping(): void {
    this.write(SSE_HEARTBEAT);
  }

  /** Tells why as its last event, because a stream of events has no code to end with. */
  close({ code, reason, reconnect }: Close): void {
    // A peer that never reads to the end, or never ends its side, must not keep the socket.
    const patience = setTimeout(() => this.stream.destroy(), PATIENCE_MILLIS);
    this.stream.once('close', () => clearTimeout(patience));
    if (!this.stream.writable) return;
    const last = sseFraming.frame({ code, reason, reconnect }, { isError: true });
    const retry = reconnect ? `retry: ${1000 + Math.floor(Math.random() * SPREAD_MILLIS)}\n` : '';
    this.stream.end(Buffer.concat([Buffer.from(retry), last]));
  }

  terminate(): void {
    this.stream.destroy();
  }
}
