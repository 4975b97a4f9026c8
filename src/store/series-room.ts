import { LRUCache } from 'lru-cache';
import type { TenantId } from '../protocol/index.js';
import { dayOf } from './levels.js';
import { IS_OF_STATE, identityOf, lookUp } from './series-identity.js';
import type { Write } from './statement.js';

/** Tenants of which it is known how many series they have. */
const MAX_TENANTS = 10_000;
/** How long that is believed: other instances begin series too, and what is kept for too long is given up. */
const BELIEVED_MILLIS = 60_000;
/**
 * Series that the writes of one commit begin, which takes no more rows, unless one write alone begins more. None of them
 * is told of the others.
 */
const MOST_IN_A_COMMIT = 5000;

interface Count {
  /** Never less than there are, as far as this instance knows. */
  readonly series: number;
  /** False where it may be more than there are, because what was new to this instance was taken for new. */
  readonly isExact: boolean;
}

/** What has no room, and what is to be called once what has room is committed. */
export interface Surplus {
  readonly keys: ReadonlySet<string>;
  readonly remember: () => void;
}

/** How many series each tenant has room for. They are counted when they may have reached the limit, and not before. */
export class SeriesRoom {
  readonly #counts = new LRUCache<TenantId, Count>({ max: MAX_TENANTS, ttl: BELIEVED_MILLIS });

  /**
   * Which of the series would be more than the tenant may have, the last ones first.
   *
   * @param keys of series that are not known to exist, each once.
   */
  *surplus(tenant: TenantId, keys: readonly string[], limit: number): Write<Surplus> {
    const known = this.#counts.get(tenant);
    if (known && known.series + keys.length + MOST_IN_A_COMMIT <= limit) {
      return this.#surplus([], () => this.#add(tenant, keys.length, false));
    }
    const existing = yield* lookUp(keys.map(identityOf));
    const missing = keys.filter((key) => !existing.has(identityOf(key)));
    // Who is at the limit, and tries on and on, makes nobody count.
    const isFull = known?.isExact === true && known.series >= limit;
    const isKnown = known !== undefined && (isFull || missing.length === 0);
    const before = isKnown ? known.series : yield* countOf(tenant);
    const surplus = missing.slice(Math.max(0, limit - before));
    const begun = missing.length - surplus.length;
    return this.#surplus(surplus, () => {
      if (isKnown) this.#add(tenant, begun, true);
      else this.#set(tenant, { series: before + begun, isExact: true });
    });
  }

  /** Has them counted again: some were deleted. */
  forget(tenant: TenantId): void {
    this.#counts.delete(tenant);
  }

  #surplus(surplus: readonly string[], remember: () => void): Surplus {
    return { keys: new Set(surplus), remember };
  }

  /** To what was committed in the same transaction before, of which this write was not told. */
  #add(tenant: TenantId, series: number, isExact: boolean): void {
    const known = this.#counts.get(tenant);
    if (known) this.#set(tenant, { series: known.series + series, isExact: known.isExact && isExact });
  }

  #set(tenant: TenantId, count: Count): void {
    this.#counts.set(tenant, count, { noUpdateTTL: true });
  }
}

function* countOf(tenant: TenantId): Write<number> {
  const [row] = yield {
    sql: `SELECT count(*) AS series FROM metricast_metric_series
          WHERE tenant_id = $1 AND (seen_on >= $2 OR NOT ${IS_OF_STATE})`,
    values: [tenant, dayOf(Date.now()) - 1],
  };
  return Number(row!['series']);
}
