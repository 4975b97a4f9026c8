import { type Millis, windowStart } from '../protocol/index.js';
import { GRACE } from './open-windows.js';

/** The time of day, and being called back. */
export interface WallClock {
  now(): Millis;
  /** Calls back once, after this long, whatever the time of day is set to meanwhile. What it returns takes that back. */
  after(delay: Millis, callback: () => void): () => void;
}

export const SYSTEM_CLOCK: WallClock = {
  now: () => Date.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};

/** It sleeps no longer than this: a clock that is set on brings the end of a window closer. */
const LONGEST_SLEEP: Millis = 250;

/** Calls when windows of one length are to be closed, and now and then in between. */
export class WindowTimer {
  #cancel!: () => void;

  constructor(
    private readonly clock: WallClock,
    private readonly length: Millis,
    private readonly onTime: () => void,
  ) {
    this.#sleep();
  }

  stop(): void {
    this.#cancel();
  }

  #sleep(): void {
    const now = this.clock.now() - GRACE;
    const untilDue = windowStart(now, this.length) + this.length - now;
    this.#cancel = this.clock.after(Math.min(untilDue, LONGEST_SLEEP), () => {
      this.#sleep();
      this.onTime();
    });
  }
}
