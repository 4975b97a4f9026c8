import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { BROKER, type Broker } from '../broker/index.js';
import { Hub } from '../hub/index.js';
import {
  type ChannelName,
  type Message,
  type Millis,
  type Sample,
  type TagFilter,
  type Tags,
  type TenantId,
  describeThrown,
  matchesFilter,
} from '../protocol/index.js';
import { type Collector, Collectors } from './collectors.js';
import { pointsOf } from './points.js';
import { Scheduler } from './scheduler.js';
import { type Tick, TickPlan } from './tick-plan.js';

export interface MetricsServiceOptions {
  /** Default seconds between two states of a channel. */
  readonly updateInterval: number;
  /** The tags of every collected state. */
  readonly tags: Tags;
}

export const METRICS_SERVICE_OPTIONS = Symbol('metricast.metrics-service-options');

/**
 * Collects the states of the channels that somebody is subscribed to, each at its tenant's pace, and publishes them.
 * One timer for each distinct interval; one computation for each tenant, channel, filter and tick.
 */
@Injectable()
export class MetricsService implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger(MetricsService.name);
  readonly #plan = new TickPlan();
  readonly #timers = new Map<Millis, string>();
  /** Ticks under way. One that takes longer than its interval is waited for, not piled upon. */
  readonly #underWay = new Set<Tick>();
  /** Channels whose last collection failed, so that a failure is logged when it begins and not at each tick. */
  readonly #failing = new Set<ChannelName>();

  constructor(
    private readonly hub: Hub,
    @Inject(BROKER) private readonly broker: Broker,
    private readonly collectors: Collectors,
    private readonly scheduler: Scheduler,
    @Inject(METRICS_SERVICE_OPTIONS) private readonly options: MetricsServiceOptions,
  ) {}

  onApplicationBootstrap(): void {
    this.hub.onDemand((tenant, channel, isWatched) => {
      const collector = this.collectors.get(channel);
      if (!collector) return;
      if (isWatched) this.#plan.add({ tenant, channel }, this.#intervalOf(collector));
      else this.#plan.remove({ tenant, channel });
      this.#alignTimers();
    });
  }

  onModuleDestroy(): void {
    for (const interval of this.#timers.keys()) this.#stopTimer(interval);
  }

  #intervalOf({ every = 0 }: Collector): Millis {
    return Math.max(every, this.options.updateInterval) * 1000;
  }

  /** Starts the timers of the intervals that are in use now, and stops the others. */
  #alignTimers(): void {
    for (const [interval, { slotLength }] of this.#plan.intervals) {
      if (this.#timers.has(interval)) continue;
      const name = `metricast:tick:${interval}ms`;
      this.scheduler.every(name, slotLength, () => this.#runDue(interval));
      this.#timers.set(interval, name);
    }
    for (const interval of this.#timers.keys()) {
      if (!this.#plan.intervals.has(interval)) this.#stopTimer(interval);
    }
  }

  #stopTimer(interval: Millis): void {
    this.scheduler.cancel(this.#timers.get(interval)!);
    this.#timers.delete(interval);
  }

  #runDue(interval: Millis): void {
    // The steady clock: a wall clock that is set must neither stop the ticks nor double them.
    for (const tick of this.#plan.due(interval, performance.now())) void this.#run(tick);
  }

  async #run(tick: Tick): Promise<void> {
    if (this.#underWay.has(tick)) return;
    this.#underWay.add(tick);
    try {
      const { tenant, channel } = tick;
      const collector = this.collectors.get(channel)!;
      const timestamp = Date.now();
      const filters = [...this.hub.filtersOf(tenant, channel)];
      const messages = await Promise.all(
        filters.map(([filterKey, filter]) => this.#collect(collector, tenant, filterKey, filter, timestamp)),
      );
      this.broker.publishHere(
        messages.filter((message) => message !== null).map((message) => ({ tenant, channel, message })),
      );
    } finally {
      this.#underWay.delete(tick);
    }
  }

  /** One view of the channel; `null` where there is nothing to send. Does not throw. */
  async #collect(
    collector: Collector,
    tenant: TenantId,
    filterKey: string,
    filter: TagFilter,
    timestamp: Millis,
  ): Promise<Message | null> {
    const { dimensions = [], channel } = collector;
    const [narrowing, matching] = splitFilter(filter, dimensions);
    const { tags } = this.options;
    if (!matchesFilter(matching, tags)) return null;
    try {
      const data = await collector.collect({ tenant, filter: narrowing, timestamp });
      if (this.#failing.delete(channel)) this.#logger.log(`${channel} is collected again`);
      if (!data) return null;
      let points: readonly Sample[] | undefined;
      return {
        kind: 'state',
        timestamp,
        tags,
        data,
        filterKey,
        points: () => (points ??= pointsOf(data, collector.points, timestamp, tags)),
      };
    } catch (error) {
      if (!this.#failing.has(channel)) {
        this.#failing.add(channel);
        this.#logger.error(`${channel} could not be collected: ${describeThrown(error)}`);
      }
      return { kind: 'failure', timestamp, filterKey };
    }
  }
}

/** The pairs that the collector itself narrows by, and those that the state's tags have to match. */
function splitFilter(filter: TagFilter, dimensions: readonly string[]): [narrowing: TagFilter, matching: TagFilter] {
  const pairs = Object.entries(filter);
  return [
    Object.fromEntries(pairs.filter(([name]) => dimensions.includes(name))),
    Object.fromEntries(pairs.filter(([name]) => !dimensions.includes(name))),
  ];
}
