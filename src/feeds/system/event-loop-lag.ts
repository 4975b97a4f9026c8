import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between two samples. */
const RESOLUTION = 20;

/** By how many milliseconds the event loop was late. */
export interface Lag {
  readonly p99: number;
  readonly max: number;
}

/** Measures how late the event loop of this process is, from the time it is made until it is stopped. */
export class EventLoopLag {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION });

  constructor() {
    this.#delay.enable();
  }

  /** How late it was since this was last asked; null where nothing was measured since. */
  take(): Lag | null {
    const delay = this.#delay;
    // Nanoseconds between two samples: the resolution itself is no lag. Without samples a percentile means nothing.
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION);
    const lag = delay.count === 0 ? null : { p99: late(delay.percentile(99)), max: late(delay.max) };
    // The sample that spans the reset is lost: what blocks the loop right after a reading shows in no lag.
    delay.reset();
    return lag;
  }

  stop(): void {
    this.#delay.disable();
  }
}
