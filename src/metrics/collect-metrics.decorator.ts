import { SetMetadata } from '@nestjs/common';
import type { Features, Millis, SampleType, TagFilter, TenantId } from '../protocol/index.js';

/** What a collecting method is asked for. */
export interface CollectContext {
  /** The tenant whose state is wanted. */
  readonly tenant: TenantId;
  /** What subscribers narrowed the state to, by the method's `dimensions`; empty for all. */
  readonly filter: TagFilter;
  /** What the tenant has switched on, and what not. */
  readonly features: Features;
  /** The instant of the tick, in milliseconds since 1970. */
  readonly timestamp: Millis;
}

/** The state of a channel: any object that JSON can say. What is unknown is `null`; NaN becomes that, `undefined` is left out. */
export type CollectedState = Readonly<Record<string, unknown>>;

/** One value out of a state, for subscribers who asked for points. */
export interface CollectedPoint {
  readonly name: string;
  readonly type: SampleType;
  readonly value: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** How a channel is collected. */
export interface CollectMetricsOptions {
  /**
   * Seconds between two states, 0.1 to 3600; the module's `updateInterval` where that is longer. Absent: at that
   * interval. Where a tenant's settings or profile say how often, they decide.
   */
  readonly every?: number;
  /** Tag names by which a subscriber can narrow the state, and which the method honours in `filter`. */
  readonly dimensions?: readonly string[];
  /**
   * The state as points: paths into it with their types, or a function that makes them. Absent: every number in it is
   * a gauge, named by its path.
   */
  readonly points?: Readonly<Record<string, SampleType>> | ((state: CollectedState) => readonly CollectedPoint[]);
  /**
   * Names of points that are not kept as history. Those that sum up what is recorded under the same names in this very
   * channel would be summed up themselves the next time.
   */
  readonly notKept?: readonly string[];
}

export interface CollectMetricsMetadata extends CollectMetricsOptions {
  readonly channel: string;
}

export const COLLECT_METRICS = 'metricast:collect-metrics';

/**
 * Marks a provider's method as the source of a channel's state. It is called once per tick for each tenant and filter
 * that somebody is subscribed with, and never where nobody is. Where somebody watches the whole of the channel, its
 * points are kept as history too, every 10 seconds at most.
 *
 * The method is `(context: CollectContext) => CollectedState | null`, sync or async; `null` sends nothing this time. A
 * throw sends subscribers the error of their dialect, and the next tick tries again; so does one that takes over 10
 * seconds. A channel or a pace that cannot be, a second method for a channel, and a provider that is not a singleton
 * stop the start.
 *
 * @param channel `NAME.metrics`, of `a-z 0-9 _ . -`, at most 128 characters. One method a channel.
 *
 * @example
 * ```ts
 * @Injectable()
 * class QueueMetrics {
 *   @CollectMetrics('queue.metrics', { every: 5 })
 *   collect({ tenant }: CollectContext) {
 *     return { waiting: this.queue.waitingFor(tenant) };
 *   }
 * }
 * ```
 */
export function CollectMetrics(channel: string, options: CollectMetricsOptions = {}): MethodDecorator {
  return SetMetadata(COLLECT_METRICS, { ...options, channel } satisfies CollectMetricsMetadata);
}
