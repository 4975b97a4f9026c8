import { Outbox } from '../../../src/hub/outbox.js';
import type { Transport } from '../../../src/hub/index.js';
import type { Delivery } from '../../../src/hub/delivery.js';
import type { Millis } from '../../../src/protocol/index.js';
import { push } from './deliveries.js';

/** Between two looks at what the reader did. */
const STEP: Millis = 10;

export interface Received {
  readonly message: Readonly<Record<string, unknown>>;
  readonly at: Millis;
}

/**
 * A reader behind a kernel that takes everything at once, and so says nothing of what was read: it reads so many bytes
 * a second, and answers each ping when it comes to it. With its outbox, and a clock that only a test moves on.
 */
export class SlowReader {
  now: Millis = 0;
  readonly outbox: Outbox;
  readonly received: Received[] = [];
  pings = 0;
  /** Which pings it answers, of those that it comes to at a time. */
  answers: 'all' | 'latest' | 'none' = 'all';
  /** Bytes that were written and not read. */
  bytesUnderWay = 0;
  readonly #underWay: (Buffer | number)[] = [];
  /** Bytes that it could have read by now and has not. */
  #credit = 0;

  constructor(
    /** Bytes that it reads in a second. */
    public rate: number,
  ) {
    this.outbox = new Outbox(this.#transport());
  }

  publish(...deliveries: Delivery[]): void {
    push(this.outbox, ...deliveries);
    this.outbox.flush(this.now);
  }

  ping(): void {
    this.outbox.ping(this.now);
  }

  /** Lets time pass. */
  pass(millis: Millis): void {
    for (const end = this.now + millis; this.now < end;) {
      const step = Math.min(STEP, end - this.now);
      this.now += step;
      this.#credit += (this.rate * step) / 1000;
      for (const number of this.#read()) {
        this.outbox.answered(number, this.now);
        this.outbox.flush(this.now);
      }
    }
  }

  /** Reads on; returns the pings that it answers. */
  #read(): number[] {
    const pings: number[] = [];
    while (this.#underWay.length > 0) {
      const next = this.#underWay[0]!;
      if (typeof next === 'number') pings.push(next);
      else if (next.length > this.#credit) break;
      else this.#receive(next);
      this.#underWay.shift();
    }
    // Time in which there was nothing to read is lost.
    if (this.#underWay.length === 0) this.#credit = 0;
    if (this.answers === 'all') return pings;
    return this.answers === 'latest' ? pings.slice(-1) : [];
  }

  #receive(frames: Buffer): void {
    this.#credit -= frames.length;
    this.bytesUnderWay -= frames.length;
    for (const line of frames.toString().split('\n').slice(0, -1)) {
      this.received.push({ message: JSON.parse(line) as Received['message'], at: this.now });
    }
  }

  #transport(): Transport {
    const ping = (number: number) => {
      this.#underWay.push(number);
      this.pings++;
    };
    return {
      name: 'websocket',
      address: '127.0.0.1',
      canAnswer: true,
      bufferedBytes: 0,
      isClosed: false,
      write: (frames, number) => {
        this.#underWay.push(frames);
        this.bytesUnderWay += frames.length;
        if (number !== undefined) ping(number);
      },
      ping,
      close: () => undefined,
      terminate: () => undefined,
    };
  }
}
