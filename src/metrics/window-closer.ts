import { setImmediate } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Broker } from '../broker/index.js';
import type { Hub } from '../hub/index.js';
import { INTERVALS, type Millis, describeThrown } from '../protocol/index.js';
import type { WriteQueue } from '../store/index.js';
import type { Tenants } from '../tenants/index.js';
import { FailureLog } from './failure-log.js';
import type { Lanes } from './lanes.js';
import type { OpenWindows } from './open-windows.js';
import type { WindowMessages } from './window-messages.js';
import type { WallClock } from './window-timer.js';

/** A window waits no longer for what is being written, and not for longer than it is itself. */
const LONGEST_WAIT: Millis = 5000;

/** What the windows are closed with. */
export interface ClosingParts {
  readonly hub: Hub;
  readonly broker: Broker;
  readonly queue: WriteQueue;
  readonly tenants: Tenants;
  readonly messages: WindowMessages;
  readonly clock: WallClock;
  readonly lanes: Lanes;
  /** False for windows that nobody wants any more. */
  readonly isOpen: (windows: OpenWindows) => boolean;
}

/** Closes windows that have ended: when all is written that was recorded in them, it reads them and publishes them. */
export class WindowCloser {
  readonly #logger = new Logger('Windows');
  readonly #failures = new FailureLog(this.#logger, 'aggregated');
  /** Those that are being closed. What ends meanwhile is closed behind. */
  readonly #underWay = new Map<OpenWindows, Promise<void>>();

  constructor(private readonly parts: ClosingParts) {}

  /** Begins to close what has ended of these windows, which are all of one length. */
  close(all: Iterable<OpenWindows>): void {
    const now = this.parts.clock.now();
    const due = [...all].filter((one) => !this.#underWay.has(one) && (one.hasEnded(now) || one.hasLate));
    // One wait for all of them.
    let written: Promise<void> | undefined;
    for (const windows of due) {
      const task = () => this.#close(windows, now);
      // What was collected alone waits for no database.
      if (!windows.isRead) this.#begin(windows, task());
      else
        this.#begin(
          windows,
          (written ??= this.#written(windows)).then(() => this.parts.lanes.run(task)),
        );
    }
  }

  /** Resolves when what is known to have come late for these windows is sent. */
  async caughtUp(windows: OpenWindows): Promise<void> {
    // It may be among what is being sent.
    await this.#underWay.get(windows);
    if (!windows.hasLate) return;
    this.close([windows]);
    await this.#underWay.get(windows);
  }

  failed(windows: OpenWindows, error: unknown): void {
    // Nothing would ever take that back.
    if (this.parts.isOpen(windows)) this.#failures.failed(windows, error);
  }

  /** Nobody wants any windows of this channel. */
  forget(windows: OpenWindows): void {
    this.#failures.forget(windows);
  }

  #begin(windows: OpenWindows, closing: Promise<void>): void {
    const done = closing.then(() => {
      this.#underWay.delete(windows);
      const { clock, isOpen } = this.parts;
      if (isOpen(windows) && windows.hasEnded(clock.now())) this.close([windows]);
    });
    this.#underWay.set(windows, done);
  }

  /** Resolves when all that was to be written until now is, and is published; or when that takes too long. */
  #written({ interval }: OpenWindows): Promise<void> {
    const { clock, queue, broker } = this.parts;
    return new Promise((resolve) => {
      const cancel = clock.after(Math.min(INTERVALS[interval], LONGEST_WAIT), resolve);
      const published = async () => {
        await queue.written();
        await setImmediate();
        await broker.publish([]);
      };
      // Where that fails there is nothing to wait for.
      void published()
        .catch(() => undefined)
        .then(() => {
          cancel();
          resolve();
        });
    });
  }

  async #close(windows: OpenWindows, now: Millis): Promise<void> {
    // SQLite answers within the turn that asks: between two channels others have theirs.
    await setImmediate();
    if (!this.parts.isOpen(windows)) return;
    try {
      await this.#send(windows, now);
    } catch (error) {
      this.#logger.error(`${windows.channel}: ${describeThrown(error)}`);
    } finally {
      windows.sent();
    }
  }

  async #send(windows: OpenWindows, now: Millis): Promise<void> {
    const { hub, broker, tenants, messages: reader, isOpen } = this.parts;
    const { tenant, channel, interval } = windows;
    const isWanted = (filterKey: string) => hub.audiences.intervalsOf(tenant, channel, filterKey).has(interval);
    for (const due of windows.close(now, isWanted)) {
      if (!tenants.isPushed(tenant, channel)) continue;
      const { messages, series, error } = await reader.of(tenant, channel, interval, due);
      // The last one who wanted it may be gone by now; or it may have been switched off, and the hub is not told.
      if (!isOpen(windows)) return;
      if (error !== undefined) this.#failures.failed(windows, error);
      else if (messages.length > 0) this.#failures.succeeded(windows);
      windows.sending(due, series);
      if (messages.length > 0) await broker.publishHere(messages.map((message) => ({ tenant, channel, message })));
    }
  }
}
