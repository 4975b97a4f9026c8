import type { Millis } from '../protocol/index.js';
import { Backlog } from './backlog.js';
import type { Batch } from './batch.js';
import type { Transport } from './ports.js';
import { PING_EVERY, SendWindow } from './send-window.js';

/** Bytes that the transport may hold before frames wait here instead, where newer values can still replace them. */
const HIGH_WATER_MARK = 256 * 1024;
/** Bytes that may wait for one connection in all. */
const LIMIT = 1024 * 1024;
/** How long more may wait before the connection is given up. */
const PATIENCE: Millis = 10_000;
/** Frames that may wait: what they take here, beside their bytes, which most share with others. */
const MOST_FRAMES = 20_000;

/**
 * What waits for one connection. In a turn of the event loop deliveries are collected, at its end they leave together.
 * Behind a slow reader they stay, where newer values take the place of older ones; where it falls behind so far that
 * this does not help, the connection is given up.
 */
export class Outbox {
  /** What this turn has brought so far. */
  pending: Batch | undefined;
  /** Exists only while the reader is behind. */
  #backlog: Backlog | undefined;
  /** Exists since something was written to a peer that can answer. */
  #window: SendWindow | undefined;
  /**
   * Bytes that may be written before the window is asked again, and until when; none while anything waits. Nearly all
   * readers keep up, and where there are a thousand, to look at one more place in memory for each write costs more than
   * what the window has to reckon.
   */
  #credit = 0;
  #creditEnd: Millis = 0;
  /** What the credit was when it was granted. */
  #granted = 0;
  #fullSince: Millis | undefined;
  #conflatedBefore = 0;

  constructor(private readonly transport: Transport) {}

  /** Bytes that wait, here and in the transport. */
  get queuedBytes(): number {
    return (this.pending?.length ?? 0) + (this.#backlog?.bytes ?? 0) + this.transport.bufferedBytes;
  }

  get isEmpty(): boolean {
    return !this.pending && !this.#backlog;
  }

  /** How many publications were merged into newer ones before they left. */
  get conflated(): number {
    return this.#conflatedBefore + (this.#backlog?.conflated ?? 0);
  }

  /** True where the reader is behind: things wait that do not leave with this turn. */
  get isBehind(): boolean {
    return this.#backlog !== undefined;
  }

  /**
   * The turn is over: hands the transport what it brought, as far as the reader keeps up with it; merges the rest.
   *
   * @returns the bytes that the transport was given.
   */
  flush(now: Millis): number {
    const { pending } = this;
    this.pending = undefined;
    if (pending) {
      if (pending.length <= this.#credit && now < this.#creditEnd && this.transport.bufferedBytes <= HIGH_WATER_MARK) {
        this.#credit -= pending.length;
        this.transport.write(pending.bytes);
        return pending.length;
      }
      this.#settle();
      if (!this.#backlog && !this.#isFull(now) && pending.length <= this.#room) {
        // However much it is, a reader that keeps up gets it as it is; in pieces, so that it shows how far it is.
        for (const piece of pending.pieces) this.#write(piece, now);
        return pending.length;
      }
      this.#backlog ??= new Backlog();
      for (const delivery of pending.deliveries) this.#backlog.add(delivery);
    }
    return this.drain(now);
  }

  /** Hands the transport of what waits as much as the reader has room for. @returns the bytes that it was given. */
  drain(now: Millis): number {
    let given = 0;
    while (this.#backlog && !this.#isFull(now)) {
      const room = Math.min(HIGH_WATER_MARK - this.transport.bufferedBytes, PING_EVERY, this.#room);
      const frames = this.#backlog.take(Math.max(1, room));
      if (this.#backlog.isEmpty) this.#caughtUp(this.#backlog);
      const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
      given += bytes.length;
      this.#write(bytes, now);
    }
    return given;
  }

  /** True where the reader has fallen so far behind, or been behind for so long, that it is to be given up. */
  isOverdue(now: Millis): boolean {
    if (!this.#backlog) return false;
    if (this.#backlog.firmBytes > LIMIT || this.#backlog.length > MOST_FRAMES) return true;
    if (this.queuedBytes <= LIMIT) this.#fullSince = undefined;
    else this.#fullSince ??= now;
    return this.#fullSince !== undefined && now - this.#fullSince >= PATIENCE;
  }

  /** Asks the peer for a sign of life. */
  ping(now: Millis): void {
    this.#settle();
    this.transport.ping(this.transport.canAnswer ? this.#windowed().ping(now) : 0);
  }

  /** The peer has answered the ping with this number. False where it was not asked, or has answered before. */
  answered(ping: number, now: Millis): boolean {
    this.#settle();
    const wasOpen = this.#window?.answered(ping, now) ?? false;
    if (this.#window?.isPingDue(now)) this.ping(now);
    return wasOpen;
  }

  discard(): void {
    this.pending = undefined;
    if (this.#backlog) this.#caughtUp(this.#backlog);
  }

  get #room(): number {
    return this.#window?.room ?? Infinity;
  }

  #isFull(now: Millis): boolean {
    return this.transport.bufferedBytes > HIGH_WATER_MARK || (this.#window?.isClosed(now) ?? false);
  }

  #write(bytes: Buffer, now: Millis): void {
    this.#settle();
    const window = this.transport.canAnswer ? this.#windowed() : undefined;
    window?.wrote(bytes.length);
    this.transport.write(bytes, window?.isPingDue(now) ? window.ping(now) : undefined);
    if (!this.#backlog && window) {
      this.#credit = this.#granted = window.credit(now);
      this.#creditEnd = window.creditEnd(now);
    }
  }

  /** Tells the window what was written on credit, before it is asked again. */
  #settle(): void {
    this.#window?.wrote(this.#granted - this.#credit);
    this.#credit = this.#granted = 0;
  }

  #windowed(): SendWindow {
    return (this.#window ??= new SendWindow());
  }

  #caughtUp({ conflated }: Backlog): void {
    this.#conflatedBefore += conflated;
    this.#backlog = undefined;
    this.#fullSince = undefined;
  }
}
