import type { Millis } from '../protocol/index.js';
import { Batch } from './batch.js';
import type { Connection } from './connection.js';
import type { Delivery } from './delivery.js';

/** How long flushes may keep the event loop to themselves before what comes in has its turn. */
const SLICE: Millis = 8;
/** Flushes between two looks at the clock. */
const FLUSHES_A_LOOK = 32;

/**
 * Collects what a turn of the event loop brings to connections, and flushes it when the turn's I/O is done: whatever
 * else the turn publishes leaves in the same write. Long fan-outs are cut into slices, between which inbound frames and
 * requests are answered; a connection that is published to in between gets that along with what still waits for it.
 */
export class Turn {
  #batch = Batch.empty();
  #waiting: Connection[] = [];
  #isScheduled = false;

  constructor(
    private readonly clock: () => Millis,
    private readonly flushOne: (connection: Connection, now: Millis) => void,
  ) {}

  add(connection: Connection, delivery: Delivery): void {
    const { outbox } = connection;
    if (outbox.pending) {
      outbox.pending = outbox.pending.and(delivery);
      return;
    }
    outbox.pending = this.#batch.and(delivery);
    this.#waiting.push(connection);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    // What comes from here on begins anew, or the tree of batches would hold on to what has left long ago.
    this.#batch = Batch.empty();
    const end = this.clock() + SLICE;
    let now = end - SLICE;
    let at = 0;
    try {
      while (at < waiting.length && now < end) {
        this.flushOne(waiting[at++]!, now);
        if (at % FLUSHES_A_LOOK === 0) now = this.clock();
      }
    } finally {
      // Nothing throws here; if it does, that must not hold up the others for ever.
      if (at < waiting.length) this.#waiting = [...waiting.slice(at), ...this.#waiting];
      this.#isScheduled = this.#waiting.length > 0;
      if (this.#isScheduled) setImmediate(this.#flush);
    }
  };
}
