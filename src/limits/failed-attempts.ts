import { LRUCache } from 'lru-cache';
import { MetricastError, type Millis } from '../protocol/index.js';
import { networkOf } from './client-addresses.js';

/** Networks that are remembered: of more, the one that failed the longest ago is forgotten. */
const MAX_NETWORKS = 50_000;
const WINDOW: Millis = 60_000;

/** How often each address has failed to say who it is, in minutes that begin with its first failure. */
export class FailedAttempts {
  readonly #counts = new LRUCache<string, { readonly endsAt: Millis; failures: number }>({ max: MAX_NETWORKS });

  /**
   * @param limit failures a minute; 0 for no limit.
   * @param clock a time that is never set, in milliseconds.
   */
  constructor(
    private readonly limit: number,
    private readonly clock: () => Millis = () => performance.now(),
  ) {}

  /** @throws {@link MetricastError} `rate_limited` where this address has failed too often. */
  requireFew(address: string): void {
    // Nearly always, and then not even the address need be looked at.
    if (this.#counts.size === 0) return;
    const now = this.clock();
    const count = this.#counts.get(networkOf(address));
    if (!count || count.endsAt <= now || count.failures < this.limit) return;
    throw new MetricastError('rate_limited', {
      detail: `at most ${this.limit} failed authentications a minute from one address`,
      retryAfter: Math.ceil((count.endsAt - now) / 1000),
    });
  }

  note(address: string): void {
    if (this.limit === 0) return;
    const network = networkOf(address);
    const now = this.clock();
    const count = this.#counts.get(network);
    if (count && count.endsAt > now) count.failures++;
    else this.#counts.set(network, { endsAt: now + WINDOW, failures: 1 });
  }
}
