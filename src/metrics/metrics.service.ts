import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { BROKER, type Broker } from '../broker/index.js';
import { Hub } from '../hub/index.js';
import {
  type ChannelName,
  type Message,
  MetricastError,
  type Millis,
  NO_FILTER,
  type State,
  type TagFilter,
  type Tags,
  type TenantId,
  canonicalKey,
  describeThrown,
  matchesFilter,
} from '../protocol/index.js';
import { Scheduler } from '../scheduler/index.js';
import { type EffectiveSettings, Tenants } from '../tenants/index.js';
import { BoundedCalls } from './bounded-calls.js';
import { Collectors } from './collectors.js';
import { FailureLog } from './failure-log.js';
import { stateOf } from './points.js';
import { type Collected, StateCache } from './state-cache.js';
import { StateRecorder } from './state-recorder.js';
import { type Tick, tickKey } from './tick-plan.js';
import { splitFilter } from './split-filter.js';
import { TickTimers, intervalOf } from './tick-timers.js';

/** Views that are collected at once. */
const FILTERS_A_TURN = 16;
/** The key of the filter that takes nothing away. */
const WHOLE = canonicalKey(NO_FILTER);
/** A collection that takes longer has failed: one that never ends must not end its channel. */
const COLLECT_TIMEOUT: Millis = 10_000;

export interface MetricsServiceOptions {
  /** The tags of every collected state. */
  readonly tags: Tags;
}

/** Told of each tick that was run: by how much it began too late, and how long it took. */
export type TickListener = (lag: Millis, duration: Millis) => void;

export const METRICS_SERVICE_OPTIONS = Symbol('metricast.metrics-service-options');

/**
 * Collects the states of the channels that somebody is subscribed to, each at its pace, and publishes them. The whole
 * of a channel, without a filter, is kept as history as well.
 * One timer for each distinct interval; one computation for each tenant, channel, filter and tick.
 */
@Injectable()
export class MetricsService implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger(MetricsService.name);
  readonly #ticks: TickTimers;
  readonly #tickListeners: TickListener[] = [];
  /** Ticks under way. One that takes longer than its interval is waited for, not piled upon. */
  readonly #underWay = new Map<string, TickRun>();
  readonly #calls = new BoundedCalls(COLLECT_TIMEOUT);
  readonly #failures = new FailureLog(this.#logger, 'collected');
  #isStopped = false;

  constructor(
    private readonly hub: Hub,
    @Inject(BROKER) private readonly broker: Broker,
    private readonly collectors: Collectors,
    scheduler: Scheduler,
    private readonly states: StateCache,
    private readonly tenants: Tenants,
    private readonly recorder: StateRecorder,
    @Inject(METRICS_SERVICE_OPTIONS) private readonly options: MetricsServiceOptions,
  ) {
    this.#ticks = new TickTimers(scheduler, (tick, lag) => this.#run(tick, lag));
  }

  onApplicationBootstrap(): void {
    this.hub.audiences.onDemand((tenant, channel, isWatched) => {
      const tick = { tenant, channel };
      if (!isWatched) {
        this.#forget(tick);
        this.states.forget(tick);
      }
      this.#schedule(tick);
      this.#ticks.align();
    });
    this.tenants.onChange((tenant, { before, after }, reason) => {
      // What was collected may show what is switched off now, also to those who ask for it where nobody watches.
      for (const channel of this.collectors.channels) this.states.forget({ tenant, channel });
      for (const channel of this.hub.audiences.channelsOf(tenant)) {
        const tick = { tenant, channel };
        const wasPlanned = this.#ticks.has(tick);
        this.#schedule(tick);
        // What was collected as history alone showed nobody anything.
        const wasAsNow = wasPlanned && before.isStreaming === after.isStreaming;
        if (wasAsNow || !this.#ticks.has(tick)) continue;
        // Who has waited for it to be switched on need not wait for the next tick as well. A profile switches on many
        // tenants in one moment: these have their ticks, which are spread.
        if (reason !== 'profile_changed') this.#runNow(tick);
      }
      this.#ticks.align();
    });
    // Only when it is rendered does a state show that it cannot be sent, or that its points cannot be made.
    this.hub.onUnsayable((tick, error) => this.#fail(tick, error));
  }

  onModuleDestroy(): void {
    // Connections that close after this still change what is watched.
    this.#isStopped = true;
    this.#ticks.stop();
  }

  /**
   * A view of a channel as it is now, or was at the last tick if nothing was recorded since. `null` where there is
   * nothing to show, or nothing is collected for this channel.
   *
   * @throws {@link MetricastError} `collect_failed`; `streaming_disabled` or `feature_disabled` where the tenant's settings
   * say that it is not collected.
   */
  async current(tenant: TenantId, channel: ChannelName, filter: TagFilter): Promise<State | null> {
    const collector = this.collectors.get(channel);
    if (!collector) return null;
    const tick = { tenant, channel };
    const filterKey = canonicalKey(filter);
    let settings: EffectiveSettings;
    let collected: Collected;
    do {
      settings = this.tenants.effective(tenant);
      if (settings.mode === 'off') throw new MetricastError('streaming_disabled');
      if (!this.tenants.isOn(tenant, channel)) throw new MetricastError('feature_disabled');
      collected = await this.states.get(tick, filterKey, intervalOf(collector, settings), () =>
        this.#collect(tick, filterKey, filter, Date.now()),
      );
      // As in a tick: what was collected under other settings may show what is switched off by now.
    } while (settings !== this.tenants.effective(tenant));
    if (collected?.kind === 'failure') throw new MetricastError('collect_failed');
    // Where nobody watches, no tick will say that it is collected again.
    if (!this.hub.audiences.isWatched(tenant, channel)) this.#failures.succeeded(tick);
    return collected;
  }

  onTick(listener: TickListener): void {
    this.#tickListeners.push(listener);
  }

  /** Puts a channel into the plan as it is to be collected now, or takes it out. */
  #schedule(tick: Tick): void {
    const collector = this.collectors.get(tick.channel);
    if (!collector || this.#isStopped) return;
    const { tenant, channel } = tick;
    const isCollected = this.hub.audiences.isWatched(tenant, channel) && this.tenants.isCollected(tenant, channel);
    if (isCollected) {
      this.#ticks.add(tick, intervalOf(collector, this.tenants.effective(tenant)));
    } else {
      this.#ticks.remove(tick);
    }
  }

  /** Outside of a timer, where nobody else would hear that it failed. */
  #runNow(tick: Tick): void {
    this.#run(tick, 0).catch((error: unknown) => this.#logger.error(`${tickKey(tick)}: ${describeThrown(error)}`));
  }

  async #run(tick: Tick, lag: Millis): Promise<void> {
    const key = tickKey(tick);
    if (this.#underWay.has(key)) return;
    const run: TickRun = { hasFailed: false };
    this.#underWay.set(key, run);
    const begin = performance.now();
    try {
      const { tenant, channel } = tick;
      let settings: EffectiveSettings;
      let messages: readonly Message[];
      do {
        settings = this.tenants.effective(tenant);
        messages = await this.#views(tick);
        // What was collected under other settings may show what is switched off by now.
      } while (settings !== this.tenants.effective(tenant) && this.#ticks.has(tick));
      if (!this.tenants.isCollected(tenant, channel)) return;
      const whole = messages.find(isWhole);
      // Not waited for: a database that is slow holds up nobody who watches.
      if (whole) void this.recorder.keep(tick, whole);
      if (this.tenants.isPushed(tenant, channel)) {
        await this.broker.publishHere(messages.map((message) => ({ tenant, channel, message })));
      }
      if (!run.hasFailed) this.#failures.succeeded(tick);
      const duration = performance.now() - begin;
      for (const listener of this.#tickListeners) listener(lag, duration);
    } finally {
      this.#underWay.delete(key);
      // It may have failed after the last one stopped watching: nothing would ever take that back.
      if (!this.hub.audiences.isWatched(tick.tenant, tick.channel)) this.#forget(tick);
    }
  }

  /** Every view of a channel that somebody watches, as it is now; where nobody is sent any, the one that is kept. */
  async #views(tick: Tick): Promise<Message[]> {
    const timestamp = Date.now();
    const isPushed = this.tenants.isPushed(tick.tenant, tick.channel);
    const watched = [...this.hub.audiences.filtersOf(tick.tenant, tick.channel)];
    const filters = isPushed ? watched : watched.filter(([filterKey]) => filterKey === WHOLE);
    const messages: Message[] = [];
    for (let start = 0; start < filters.length; start += FILTERS_A_TURN) {
      // SQLite answers within the turn that asks, so many filters would hold up everybody else.
      if (start > 0) await setImmediate();
      const some = filters.slice(start, start + FILTERS_A_TURN);
      const views = await Promise.all(
        some.map(([filterKey, filter]) =>
          this.states.renew(tick, filterKey, () => this.#collect(tick, filterKey, filter, timestamp)),
        ),
      );
      messages.push(...views.filter((view) => view !== null));
    }
    return messages;
  }

  /** One view of the channel; `null` where there is nothing to send. Does not throw. */
  async #collect(tick: Tick, filterKey: string, filter: TagFilter, timestamp: Millis): Promise<Collected> {
    const collector = this.collectors.get(tick.channel)!;
    const [narrowing, matching] = splitFilter(filter, collector.dimensions ?? []);
    const { tags } = this.options;
    const { features } = this.tenants.effective(tick.tenant);
    if (!matchesFilter(matching, tags)) return null;
    try {
      const collected = await this.#calls.run(`${tickKey(tick)} ${filterKey}`, () =>
        collector.collect({ tenant: tick.tenant, filter: narrowing, features, timestamp }),
      );
      if (!collected) return null;
      return stateOf(collected, collector.points, { timestamp, tags, filter, filterKey });
    } catch (error) {
      this.#fail(tick, error);
      return { kind: 'failure', timestamp, filterKey };
    }
  }

  /** Nobody watches the channel any more: whether it would fail is not known. */
  #forget(tick: Tick): void {
    this.#failures.forget(tick);
    this.recorder.forget(tick);
  }

  #fail(tick: Tick, error: unknown): void {
    const run = this.#underWay.get(tickKey(tick));
    if (run) run.hasFailed = true;
    this.#failures.failed(tick, error);
  }
}

interface TickRun {
  hasFailed: boolean;
}

function isWhole(message: Message): message is State {
  return message.kind === 'state' && message.filterKey === WHOLE;
}
