import type { Transport } from '../../src/hub/index.js';
import type { Close } from '../../src/protocol/index.js';

/** A transport that keeps whatever it is given, and holds it as bytes not taken yet while its peer does not read. */
export class RecordingTransport implements Transport {
  readonly name = 'websocket';
  readonly address = '127.0.0.1';
  /** The very buffers; each may hold several frames. */
  readonly writes: Buffer[] = [];
  readonly closes: Close[] = [];
  /** The numbers of all pings. */
  readonly pings: number[] = [];
  /** Writes and pings that came after the close. */
  late = 0;
  isClosed = false;
  /** Whether the peer reads. While it doesn't, what is written stays buffered. */
  isReading = true;
  bufferedBytes = 0;
  readonly #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = [];

  constructor(readonly canAnswer = true) {}

  /** The lines in all writes, for what was framed as lines: a line is a frame then. */
  get lines(): string[] {
    return this.writes.flatMap((frames) => frames.toString().split('\n').slice(0, -1));
  }

  /** What {@link PlainDialect} and lines make of messages, read back. */
  get messages(): Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Resolves once this many lines were written in all. */
  received(count: number): Promise<void> {
    const isMet = () => this.lines.length >= count;
    return isMet() ? Promise.resolve() : new Promise((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  write(frames: Buffer, ping?: number): void {
    this.#noteIfLate();
    this.writes.push(frames);
    if (ping !== undefined) this.pings.push(ping);
    if (!this.isReading) this.bufferedBytes += frames.length;
    for (const { isMet, resolve } of this.#waiting) if (isMet()) resolve();
  }

  ping(number: number): void {
    this.#noteIfLate();
    this.pings.push(number);
  }

  close(close: Close): void {
    this.closes.push(close);
  }

  terminate(): void {
    this.isClosed = true;
  }

  /** The peer takes all that is buffered, and goes on reading. */
  drain(): void {
    this.isReading = true;
    this.bufferedBytes = 0;
  }

  /** The peer stops reading, with this much in between already. */
  stall(bufferedBytes: number): void {
    this.isReading = false;
    this.bufferedBytes = bufferedBytes;
  }

  #noteIfLate(): void {
    if (this.closes.length > 0 || this.isClosed) this.late++;
  }
}
