import type { Millis } from '../protocol/index.js';

/** A ping that takes so much longer than the quickest one took says that its reader is behind. */
const LATE: Millis = 1000;
/** Bytes written between two pings to a reader that keeps up: few enough pings to cost next to nothing. */
const PING_EVERY = 64 * 1024;
/** The same while an answer is waited for, so that a slow reader is heard of before it looks dead. */
const PING_WHILE_WAITING = 16 * 1024;
/** The same to the slowest of readers. */
const PING_SOON = 1024;
/** A reader that may have so much under way need not be held back. */
const WIDE = 256 * 1024;
/** A turn of the event loop, roughly. */
const A_TURN: Millis = 20;
/** Pings that are remembered at once. */
const MOST_OPEN = 32;

interface OpenPing {
  readonly number: number;
  /** Bytes written before it. */
  readonly position: number;
  readonly time: Millis;
}

/**
 * How much of what was written to a connection its reader has read. The kernel takes megabytes for a reader that has
 * stopped, and calls them sent: of a slow reader's delay it says nothing. So pings are sent along with the data. A peer
 * answers one when it has read what was written before it (RFC 6455, 5.5.3), which tells how far it is and how fast.
 *
 * Who reads slowly is given no more at once than it reads in a second; the rest waits where newer values can replace
 * it. Who never answered a ping is not held back: that says nothing.
 */
export class SendWindow {
  #written = 0;
  /** Bytes that are known to be read, and since when; never where no ping was answered. */
  #read = 0;
  #readAt: Millis | undefined;
  /** Bytes written before the newest ping. */
  #pingedAt = 0;
  #pings = 0;
  /** The pings that wait for an answer, oldest first. */
  readonly #open: OpenPing[] = [];
  /** How long the quickest answer took. */
  #quickest: Millis = Infinity;
  /** When an answer was first found to be late; never where none is. */
  #lateSince: Millis = Infinity;
  #pingEvery = PING_SOON;
  /** Bytes that may be under way. */
  #width = Infinity;

  /** True where more should wait, until the reader has read on. */
  isClosed(now: Millis): boolean {
    if (this.#readAt === undefined) return false;
    if (this.room <= 0) return true;
    const [oldest] = this.#open;
    if (!oldest || !this.#takesLong(now - oldest.time)) return false;
    this.#lateSince = Math.min(this.#lateSince, now);
    return this.#isLate(now);
  }

  /** Bytes that may be written now. */
  get room(): number {
    return this.#width - (this.#written - this.#read);
  }

  /** True where a ping should follow what was written. */
  get isPingDue(): boolean {
    // The first one as soon as something was written: it shows how long the way is. Who ignores that ignores the next.
    if (this.#readAt === undefined) return this.#pings === 0;
    const apart = this.#open.length > 0 ? PING_WHILE_WAITING : this.#pingEvery;
    return this.#written - this.#pingedAt >= Math.min(apart, this.#width);
  }

  wrote(bytes: number): void {
    this.#written += bytes;
  }

  /** Notes that a ping is sent; returns its number. */
  ping(now: Millis): number {
    const number = ++this.#pings;
    this.#pingedAt = this.#written;
    // Where there are too many, the newest gives way: the oldest tell how far the reader is.
    if (this.#open.length === MOST_OPEN) this.#open.pop();
    this.#open.push({ number, position: this.#written, time: now });
    return number;
  }

  /** Notes that the ping with this number was answered, and so all before it. */
  answered(number: number, now: Millis): void {
    let ping: OpenPing | undefined;
    while (this.#open.length > 0 && this.#open[0]!.number <= number) ping = this.#open.shift();
    if (!ping) return;
    const delay = now - ping.time;
    // Since it was sent, or since what came before it was read.
    const readFor = now - Math.max(ping.time, this.#readAt ?? 0);
    const inASecond = Math.max(PING_SOON, (LATE * (ping.position - this.#read)) / Math.max(1, readFor));
    this.#quickest = Math.min(this.#quickest, delay);
    const isHeldBack = this.#width < Infinity || this.#isLate(now);
    if (isHeldBack && this.#takesLong(delay)) this.#width = inASecond;
    else if (2 * this.#width <= WIDE) this.#width *= 2;
    else this.#width = Infinity;
    this.#pingEvery = Math.min(PING_EVERY, inASecond);
    this.#lateSince = Infinity;
    this.#read = ping.position;
    this.#readAt = now;
  }

  /** Not at the first sight of it: if it is we who were held up, the answer is here, and is read before the next turn. */
  #isLate(now: Millis): boolean {
    return now - this.#lateSince > A_TURN;
  }

  #takesLong(delay: Millis): boolean {
    // No way is as long as that: then it is the reading that took so long even at the beginning.
    return delay > Math.min(this.#quickest, LATE) + LATE;
  }
}
