import type { WallClock } from '../../src/metrics/window-timer.js';

/** A clock that a test sets. */
export class SetClock implements WallClock {
  /** What runs, by when it ends on the clock that is never set. */
  readonly #timers = new Map<() => void, number>();
  #steady = 0;

  constructor(private time: number) {}

  now(): number {
    return this.time;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = () => callback();
    this.#timers.set(timer, this.#steady + delay);
    return () => void this.#timers.delete(timer);
  }

  /** How many timers run. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Time goes by, and timers end in the order of their time. */
  pass(millis: number): void {
    const end = this.#steady + millis;
    for (;;) {
      const [next] = [...this.#timers].sort(([, one], [, other]) => one - other);
      if (!next || next[1] > end) break;
      this.#goTo(next[1]);
      this.#timers.delete(next[0]);
      next[0]();
    }
    this.#goTo(end);
  }

  /** The process is held up: time goes by, and each timer ends but once, too late. */
  stall(millis: number): void {
    this.#goTo(this.#steady + millis);
    this.pass(0);
  }

  /** Somebody sets the time of day; no timer notices. */
  set(time: number): void {
    this.time = time;
  }

  #goTo(steady: number): void {
    this.time += steady - this.#steady;
    this.#steady = steady;
  }
}
