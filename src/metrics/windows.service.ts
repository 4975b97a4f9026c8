import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnModuleDestroy, type OnModuleInit, Optional } from '@nestjs/common';
import { BROKER, type Broker } from '../broker/index.js';
import { Hub } from '../hub/index.js';
import {
  type ChannelName,
  INTERVALS,
  type Interval,
  type Message,
  type Millis,
  type Publication,
  type TenantId,
  describeThrown,
} from '../protocol/index.js';
import { Tenants } from '../tenants/index.js';
import { Collectors } from './collectors.js';
import { FailureLog } from './failure-log.js';
import { OpenWindows } from './open-windows.js';
import { WindowMessages } from './window-messages.js';
import { SYSTEM_CLOCK, type WallClock, WindowTimer } from './window-timer.js';

export const WINDOW_CLOCK = Symbol('metricast.window-clock');

/** Channels whose windows are read at once: all tenants' minutes end in the same moment. */
const READ_AT_ONCE = 8;

/** The windows of one length, of all channels in which somebody wants them. */
interface InUse {
  readonly timer: WindowTimer;
  readonly windows: Set<OpenWindows>;
}

/**
 * Aggregates what is published over windows of time, where somebody is subscribed with an interval, and publishes each
 * window when it closes: once, whoever and however many want it.
 */
@Injectable()
export class Windows implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger(Windows.name);
  readonly #failures = new FailureLog(this.#logger, 'aggregated');
  readonly #channels = new Map<TenantId, Map<ChannelName, Map<Interval, OpenWindows>>>();
  readonly #inUse = new Map<Interval, InUse>();
  /** Those that are being closed. What ends meanwhile is closed behind. */
  readonly #closing = new Set<OpenWindows>();
  #isStopped = false;

  constructor(
    private readonly hub: Hub,
    @Inject(BROKER) private readonly broker: Broker,
    private readonly collectors: Collectors,
    private readonly tenants: Tenants,
    private readonly messages: WindowMessages,
    @Optional() @Inject(WINDOW_CLOCK) private readonly clock: WallClock = SYSTEM_CLOCK,
  ) {}

  onModuleInit(): void {
    this.hub.onInterval((tenant, channel, interval, isWanted) => {
      if (isWanted) this.#open(tenant, channel, interval);
      else this.#drop(tenant, channel, interval);
    });
    this.broker.onPublication((publication) => this.#follow(publication));
  }

  onModuleDestroy(): void {
    // Connections that close after this still change what is wanted.
    this.#isStopped = true;
    for (const { timer } of this.#inUse.values()) timer.stop();
  }

  /**
   * When the first window begins that subscribers with this interval are yet to be sent. Those before it were closed;
   * `undefined` where nobody is subscribed with it.
   */
  openFrom(tenant: TenantId, channel: ChannelName, interval: Interval): Millis | undefined {
    return this.#channels.get(tenant)?.get(channel)?.get(interval)?.openFrom;
  }

  #open(tenant: TenantId, channel: ChannelName, interval: Interval): void {
    // Events are no values.
    if (this.#isStopped || channel.endsWith('.events')) return;
    // What is recorded in a channel that is collected belongs to its state: only what is published is shown besides.
    const hasPast = !this.collectors.has(channel);
    const length = INTERVALS[interval];
    const windows = new OpenWindows(tenant, channel, length, this.clock.now(), hasPast);
    let channels = this.#channels.get(tenant);
    if (!channels) this.#channels.set(tenant, (channels = new Map<ChannelName, Map<Interval, OpenWindows>>()));
    let intervals = channels.get(channel);
    if (!intervals) channels.set(channel, (intervals = new Map<Interval, OpenWindows>()));
    intervals.set(interval, windows);
    let inUse = this.#inUse.get(interval);
    if (!inUse) {
      const timer = new WindowTimer(this.clock, length, () => this.#closeAll(interval));
      this.#inUse.set(interval, (inUse = { timer, windows: new Set() }));
    }
    inUse.windows.add(windows);
  }

  #drop(tenant: TenantId, channel: ChannelName, interval: Interval): void {
    const channels = this.#channels.get(tenant);
    const intervals = channels?.get(channel);
    const windows = intervals?.get(interval);
    if (!channels || !intervals || !windows) return;
    intervals.delete(interval);
    if (intervals.size === 0) {
      channels.delete(channel);
      this.#failures.forget({ tenant, channel });
    }
    if (channels.size === 0) this.#channels.delete(tenant);
    const inUse = this.#inUse.get(interval)!;
    inUse.windows.delete(windows);
    if (inUse.windows.size > 0) return;
    inUse.timer.stop();
    this.#inUse.delete(interval);
  }

  /** For every publication there is: what nobody wants in windows costs a look or two. */
  #follow({ tenant, channel, message, stored }: Publication): void {
    const intervals = this.#channels.get(tenant)?.get(channel);
    if (!intervals) return;
    if (message.kind === 'sample' && stored?.series !== undefined) {
      for (const windows of intervals.values()) windows.note(stored.series, message.timestamp, message);
    } else if (message.kind === 'state') {
      for (const interval of this.hub.intervalsOf(tenant, channel, message.filterKey)) {
        intervals.get(interval)?.add(message);
      }
    }
  }

  #closeAll(interval: Interval): void {
    const now = this.clock.now();
    const ended = [...(this.#inUse.get(interval)?.windows ?? [])].filter((windows) => windows.hasEnded(now));
    const queue = ended.values();
    for (let lane = 0; lane < Math.min(READ_AT_ONCE, ended.length); lane++) void this.#closeEach(interval, queue);
  }

  async #closeEach(interval: Interval, queue: Iterable<OpenWindows>): Promise<void> {
    for (const windows of queue) {
      // SQLite answers within the turn that asks: between two channels others have theirs.
      await setImmediate();
      if (this.#closing.has(windows)) continue;
      this.#closing.add(windows);
      try {
        await this.#close(interval, windows);
      } catch (error) {
        this.#logger.error(`${windows.channel}: ${describeThrown(error)}`);
      } finally {
        this.#closing.delete(windows);
      }
    }
  }

  async #close(interval: Interval, windows: OpenWindows): Promise<void> {
    const { tenant, channel } = windows;
    const isWanted = (filterKey: string) => this.hub.intervalsOf(tenant, channel, filterKey).has(interval);
    const isOpen = () => this.#inUse.get(interval)?.windows.has(windows) && !this.#isStopped;
    while (isOpen() && windows.hasEnded(this.clock.now())) {
      for (const due of windows.close(this.clock.now(), isWanted)) {
        if (!this.tenants.isPushed(tenant, channel)) continue;
        const { messages, error } = await this.messages.of(tenant, channel, interval, due);
        if (error !== undefined) this.#failures.failed({ tenant, channel }, error);
        else if (messages.length > 0) this.#failures.succeeded({ tenant, channel });
        // The last one who wanted it may be gone by now; or it may have been switched off, and the hub is not told.
        if (isOpen()) await this.#publish(tenant, channel, messages);
      }
    }
  }

  async #publish(tenant: TenantId, channel: ChannelName, messages: readonly Message[]): Promise<void> {
    if (messages.length > 0) await this.broker.publishHere(messages.map((message) => ({ tenant, channel, message })));
  }
}
