import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { EventLoopLag, type Lag } from '../feeds/system/index.js';
import { Hub } from '../hub/index.js';
import { Aggregate, type Millis } from '../protocol/index.js';
import { Scheduler } from '../scheduler/index.js';
import { WriteQueue } from '../store/index.js';

const JOB = 'metricast:pulse';
const INTERVAL: Millis = 1000;

/** What this instance did in a second. Null is what was not measured. */
export interface Pulse {
  /** Per second. */
  readonly publications: number;
  /** Per second. */
  readonly frames: number;
  /** Per second. */
  readonly bytes: number;
  readonly lag: Lag | null;
  /** The 99th percentile of how long a transaction took; null where there was none. */
  readonly commit: Millis | null;
}

/** Counters that only grow, at one instant. */
interface Totals {
  readonly at: Millis;
  readonly publications: number;
  readonly frames: number;
  readonly bytes: number;
}

/** Measures each second, whoever looks: so who looks is shown the last second, and not the time since somebody looked before. */
@Injectable()
export class PulseMeter implements OnModuleInit, OnModuleDestroy {
  readonly #lag = new EventLoopLag();
  readonly #listeners: ((pulse: Pulse) => void)[] = [];
  /** How long they took. */
  #commits = new Aggregate('histogram');
  #before: Totals;
  #latest: Pulse | undefined;

  constructor(
    private readonly hub: Hub,
    private readonly queue: WriteQueue,
    private readonly scheduler: Scheduler,
  ) {
    this.#before = this.#totals();
  }

  onModuleInit(): void {
    this.queue.onCommit((_rows, value) => this.#commits.add({ value, timestamp: 0 }));
    this.scheduler.every(JOB, INTERVAL, () => this.#measure());
  }

  onModuleDestroy(): void {
    this.scheduler.cancel(JOB);
    this.#lag.stop();
  }

  /** The last second; `undefined` until one has passed. */
  get latest(): Pulse | undefined {
    return this.#latest;
  }

  onPulse(listener: (pulse: Pulse) => void): void {
    this.#listeners.push(listener);
  }

  #measure(): void {
    const [before, now] = [this.#before, this.#totals()];
    const seconds = (now.at - before.at) / 1000;
    const rate = (of: 'publications' | 'frames' | 'bytes') => (now[of] - before[of]) / seconds;
    const pulse = {
      publications: rate('publications'),
      frames: rate('frames'),
      bytes: rate('bytes'),
      lag: this.#lag.take(),
      commit: this.#commits.count > 0 ? this.#commits.summary.p99! : null,
    };
    this.#before = now;
    this.#commits = new Aggregate('histogram');
    this.#latest = pulse;
    for (const listener of this.#listeners) listener(pulse);
  }

  #totals(): Totals {
    const { publications, frames, bytes } = this.hub.counts;
    return { at: performance.now(), publications, frames, bytes };
  }
}
