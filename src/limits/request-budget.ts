import { LRUCache } from 'lru-cache';
import { MetricastError, type Millis } from '../protocol/index.js';

/** Subjects that are remembered: of more, the one that asked the longest ago is forgotten, and has all its requests again. */
const MAX_SUBJECTS = 50_000;
const MINUTE: Millis = 60_000;

interface Bucket {
  requests: number;
  at: Millis;
}

/** How many requests each subject may make: a minute's at once, and then as they come back, evenly over the minute. */
export class RequestBudget {
  readonly #buckets = new LRUCache<string, Bucket>({ max: MAX_SUBJECTS });

  /**
   * @param limit requests a minute; 0 for no limit.
   * @param clock a time that is never set, in milliseconds.
   */
  constructor(
    private readonly limit: number,
    private readonly clock: () => Millis = () => performance.now(),
  ) {}

  /** @throws {@link MetricastError} `rate_limited` where this one would be too many. */
  take(subject: string): void {
    if (this.limit === 0) return;
    const now = this.clock();
    let bucket = this.#buckets.get(subject);
    if (!bucket) this.#buckets.set(subject, (bucket = { requests: this.limit, at: now }));
    bucket.requests = Math.min(this.limit, bucket.requests + ((now - bucket.at) * this.limit) / MINUTE);
    bucket.at = now;
    if (bucket.requests >= 1) {
      bucket.requests--;
      return;
    }
    throw new MetricastError('rate_limited', {
      detail: `at most ${this.limit} requests a minute`,
      retryAfter: Math.max(1, Math.ceil(((1 - bucket.requests) * MINUTE) / this.limit / 1000)),
    });
  }
}
