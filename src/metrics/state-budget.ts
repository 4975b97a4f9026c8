import type { Millis } from '../protocol/index.js';
import { type Tick, tickKey } from './tick-plan.js';

const A_MINUTE: Millis = 60_000;

interface Bucket {
  left: number;
  filledAt: Millis;
}

/**
 * How many states of a channel may still be collected: so many a minute, and up to that many at once. Where there are
 * more ticks than that, those are left out that come too early, so that the next state is the newest.
 * A token bucket: https://en.wikipedia.org/wiki/Token_bucket
 */
export class StateBudget {
  readonly #buckets = new Map<string, Bucket>();

  /** False where the budget is used up; 0 a minute is no limit. */
  take(tick: Tick, perMinute: number, now: Millis): boolean {
    if (perMinute === 0) return true;
    const key = tickKey(tick);
    let bucket = this.#buckets.get(key);
    if (!bucket) this.#buckets.set(key, (bucket = { left: perMinute, filledAt: now }));
    bucket.left = Math.min(perMinute, bucket.left + ((now - bucket.filledAt) * perMinute) / A_MINUTE);
    bucket.filledAt = now;
    // A tick may be some milliseconds early: as many a minute as there are ticks are all of them.
    if (bucket.left < 0.5) return false;
    bucket.left -= 1;
    return true;
  }

  forget(tick: Tick): void {
    this.#buckets.delete(tickKey(tick));
  }
}
