import type { Millis } from '../protocol/index.js';
import type { Scheduler } from '../scheduler/index.js';
import type { EffectiveSettings } from '../tenants/index.js';
import type { Collector } from './collectors.js';
import { type Tick, TickPlan } from './tick-plan.js';

interface TickTimer {
  readonly name: string;
  readonly slotLength: Millis;
  /** On the steady clock. */
  dueAt: Millis;
}

/** Runs what is planned when it is due: one timer for each interval that is in use. */
export class TickTimers {
  readonly #plan = new TickPlan();
  readonly #timers = new Map<Millis, TickTimer>();

  /** @param run called for each tick that is due, with how much too late that is. */
  constructor(
    private readonly scheduler: Scheduler,
    private readonly run: (tick: Tick, lag: Millis) => Promise<void>,
  ) {}

  /** Whether it is planned. */
  has(tick: Tick): boolean {
    return this.#plan.has(tick);
  }

  /** Plans a tick at this interval. {@link align} is to follow, once for many. */
  add(tick: Tick, interval: Millis): void {
    this.#plan.add(tick, interval);
  }

  remove(tick: Tick): void {
    this.#plan.remove(tick);
  }

  /** Starts the timers of the intervals that are in use now, and stops the others. */
  align(): void {
    for (const [interval, { slotLength }] of this.#plan.intervals) {
      if (this.#timers.has(interval)) continue;
      const name = `metricast:tick:${interval}ms`;
      this.scheduler.every(name, slotLength, () => this.#runDue(interval));
      this.#timers.set(interval, { name, slotLength, dueAt: performance.now() + slotLength });
    }
    for (const interval of this.#timers.keys()) {
      if (!this.#plan.intervals.has(interval)) this.#stop(interval);
    }
  }

  stop(): void {
    for (const interval of this.#timers.keys()) this.#stop(interval);
  }

  #stop(interval: Millis): void {
    this.scheduler.cancel(this.#timers.get(interval)!.name);
    this.#timers.delete(interval);
  }

  #runDue(interval: Millis): Promise<unknown> {
    // The steady clock: a wall clock that is set must neither stop the ticks nor double them.
    const now = performance.now();
    const timer = this.#timers.get(interval);
    const lag = timer ? Math.max(0, now - timer.dueAt) : 0;
    if (timer) timer.dueAt = now + timer.slotLength;
    return Promise.all(this.#plan.due(interval, now).map((tick) => this.run(tick, lag)));
  }
}

/**
 * A channel has a pace of its own until somebody says how often the tenant is to be shown something. Where that would be
 * more states than it is to be sent, these come less often instead, evenly: each is the newest then.
 */
export function intervalOf({ every = 0 }: Collector, settings: EffectiveSettings): Millis {
  const { collectionIntervalSeconds: interval, maxEventsPerMinute: cap, sources } = settings;
  const wanted = sources.collectionIntervalSeconds === 'default' ? Math.max(every, interval) : interval;
  return Math.round(1000 * Math.max(wanted, cap === 0 ? 0 : 60 / cap));
}
