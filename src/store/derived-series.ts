import { Injectable, Logger } from '@nestjs/common';
import type { TenantId } from '../protocol/index.js';
import { type Metric, seriesKey } from './series-identity.js';
import { SeriesStore } from './series-store.js';
import type { Write } from './statement.js';

/** Writes samples that nobody recorded as such, but that follow from what was: the points of states, say. */
@Injectable()
export class DerivedSeries {
  readonly #logger = new Logger(DerivedSeries.name);
  /** Tenants that had no room for all their series; each is told of once. */
  readonly #crowded = new Set<TenantId>();

  constructor(private readonly series: SeriesStore) {}

  /**
   * Appends the metrics, but for those that would begin a series where half of the tenant's are in use: the other half
   * is for what the tenant records itself, which nothing of this may keep out. Counters bring their increases. Returns
   * what is to be called once they are committed.
   *
   * @param limit series that the tenant may have; 0 for no limit.
   */
  *append(tenant: TenantId, metrics: readonly Metric[], limit: number): Write<() => void> {
    const keyed = metrics.map((metric) => ({ ...metric, seriesKey: seriesKey(metric.channel, metric.sample) }));
    const surplus = yield* this.series.surplus(tenant, keyed, Math.ceil(limit / 2));
    const kept = keyed.filter((metric) => !surplus.metrics.has(metric));
    const appended = kept.length > 0 ? yield* this.series.append(tenant, kept) : undefined;
    return () => {
      surplus.remember();
      appended?.();
      if (surplus.metrics.size === 0 || this.#crowded.has(tenant)) return;
      this.#crowded.add(tenant);
      this.#logger.warn(`${tenant} has no room for all its series: some states and usage are not kept as history`);
    };
  }
}
