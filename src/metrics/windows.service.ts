import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit, Optional } from '@nestjs/common';
import { BROKER, type Broker } from '../broker/index.js';
import { Hub } from '../hub/index.js';
import {
  type ChannelName,
  INTERVALS,
  type Interval,
  type Millis,
  NO_FILTER,
  type Publication,
  type TenantId,
  windowStart,
} from '../protocol/index.js';
import { HistoryReader, WriteQueue } from '../store/index.js';
import { Tenants } from '../tenants/index.js';
import { Collectors } from './collectors.js';
import { Lanes } from './lanes.js';
import { OpenWindows } from './open-windows.js';
import { NotedRoom } from './recorded-windows.js';
import { WindowCloser } from './window-closer.js';
import { WindowMessages } from './window-messages.js';
import { SYSTEM_CLOCK, type WallClock, WindowTimer } from './window-timer.js';

export const WINDOW_CLOCK = Symbol('metricast.window-clock');

/** Channels whose windows are read at once: all tenants' minutes end in the same moment. */
const READ_AT_ONCE = 8;
/** By so much a timestamp may be ahead of its recording, and a little more. */
const AHEAD: Millis = 6 * 60_000;

/** The windows of one length, of all channels in which somebody wants them. */
interface InUse {
  readonly timer: WindowTimer;
  readonly windows: Set<OpenWindows>;
}

/** Whose windows somebody wants. */
interface TenantWindows {
  readonly room: NotedRoom;
  readonly channels: Map<ChannelName, Map<Interval, OpenWindows>>;
}

/**
 * Aggregates what is published over windows of time, where somebody is subscribed with an interval, and publishes each
 * window when it closes: once, whoever and however many want it.
 */
@Injectable()
export class Windows implements OnModuleInit, OnModuleDestroy {
  readonly #tenants = new Map<TenantId, TenantWindows>();
  readonly #inUse = new Map<Interval, InUse>();
  readonly #lanes = new Lanes(READ_AT_ONCE);
  readonly #closer: WindowCloser;
  #isStopped = false;

  constructor(
    private readonly hub: Hub,
    @Inject(BROKER) private readonly broker: Broker,
    private readonly collectors: Collectors,
    private readonly history: HistoryReader,
    queue: WriteQueue,
    tenants: Tenants,
    messages: WindowMessages,
    @Optional() @Inject(WINDOW_CLOCK) private readonly clock: WallClock = SYSTEM_CLOCK,
  ) {
    const isOpen = (windows: OpenWindows) => this.#isOpen(windows);
    this.#closer = new WindowCloser({ hub, broker, queue, tenants, messages, clock, lanes: this.#lanes, isOpen });
  }

  onModuleInit(): void {
    this.hub.audiences.onInterval((tenant, channel, interval, isWanted) => {
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
   * When the first window begins that subscribers with this interval are yet to be sent; `undefined` where nobody is
   * subscribed with it. Of those before it, none is sent, but for series whose first value in the last of them came late.
   */
  openFrom(tenant: TenantId, channel: ChannelName, interval: Interval): Millis | undefined {
    return this.#windowsOf(tenant, channel)?.get(interval)?.openFrom;
  }

  /** Resolves when what is published by now and came late for the last of the windows before is sent. */
  async caughtUp(tenant: TenantId, channel: ChannelName, interval: Interval): Promise<void> {
    const windows = this.#windowsOf(tenant, channel)?.get(interval);
    if (windows) await this.#closer.caughtUp(windows);
  }

  #windowsOf(tenant: TenantId, channel: ChannelName): Map<Interval, OpenWindows> | undefined {
    return this.#tenants.get(tenant)?.channels.get(channel);
  }

  #open(tenant: TenantId, channel: ChannelName, interval: Interval): void {
    // Events are no values.
    if (this.#isStopped || channel.endsWith('.events')) return;
    // What is recorded in a channel that is collected belongs to its state: only what is published is shown besides.
    const isRecorded = !this.collectors.has(channel);
    let ofTenant = this.#tenants.get(tenant);
    if (!ofTenant) this.#tenants.set(tenant, (ofTenant = { room: new NotedRoom(), channels: new Map() }));
    const { room, channels } = ofTenant;
    const now = this.clock.now();
    const windows = new OpenWindows(tenant, channel, interval, now, room, isRecorded);
    let intervals = channels.get(channel);
    if (!intervals) channels.set(channel, (intervals = new Map<Interval, OpenWindows>()));
    intervals.set(interval, windows);
    let inUse = this.#inUse.get(interval);
    if (!inUse) {
      const timer = new WindowTimer(this.clock, INTERVALS[interval], () => {
        this.#closer.close(this.#inUse.get(interval)?.windows ?? []);
      });
      this.#inUse.set(interval, (inUse = { timer, windows: new Set() }));
    }
    inUse.windows.add(windows);
    if (isRecorded) windows.lookedAhead = this.#lanes.run(() => this.#lookAhead(windows, now));
  }

  #drop(tenant: TenantId, channel: ChannelName, interval: Interval): void {
    const { channels } = this.#tenants.get(tenant) ?? {};
    const intervals = channels?.get(channel);
    const windows = intervals?.get(interval);
    if (!channels || !intervals || !windows) return;
    windows.drop();
    intervals.delete(interval);
    if (intervals.size === 0) {
      channels.delete(channel);
      this.#closer.forget(windows);
    }
    if (channels.size === 0) this.#tenants.delete(tenant);
    const inUse = this.#inUse.get(interval)!;
    inUse.windows.delete(windows);
    if (inUse.windows.size > 0) return;
    inUse.timer.stop();
    this.#inUse.delete(interval);
  }

  /** For every publication there is: what nobody wants in windows costs a look or two. */
  #follow({ tenant, channel, message, stored }: Publication): void {
    const intervals = this.#windowsOf(tenant, channel);
    if (!intervals) return;
    if (message.kind === 'sample' && stored?.series !== undefined) {
      for (const windows of intervals.values()) windows.note(stored.series, message.timestamp, message);
    } else if (message.kind === 'state') {
      for (const interval of this.hub.audiences.intervalsOf(tenant, channel, message.filterKey)) {
        intervals.get(interval)?.add(message);
      }
    }
  }

  /** What was recorded ahead of the clock before anybody was there comes with its own window as well. */
  async #lookAhead(windows: OpenWindows, now: Millis): Promise<void> {
    const { tenant, channel, interval } = windows;
    const start = windowStart(now, INTERVALS[interval]) + INTERVALS[interval];
    const span = { tenant, channel, start, end: now + AHEAD, filter: NO_FILTER, interval };
    const from = { resolution: interval, after: { timestamp: start, series: 0, row: 0 } };
    try {
      const { slices } = await this.history.open(span, from);
      for await (const { rows } of slices) {
        await setImmediate();
        if (!this.#isOpen(windows)) return;
        for (const { message, stored } of rows) {
          if (message.kind === 'sample' && stored.series !== undefined)
            windows.note(stored.series, message.timestamp, message);
        }
      }
    } catch (error) {
      this.#closer.failed(windows, error);
    }
  }

  #isOpen(windows: OpenWindows): boolean {
    return !this.#isStopped && this.#inUse.get(windows.interval)?.windows.has(windows) === true;
  }
}
