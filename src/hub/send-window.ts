import type { Millis } from '../protocol/index.js';

const A_SECOND: Millis = 1000;
/** A ping that takes so much longer than the quickest one took says that its reader is behind. */
const LATE: Millis = 1000;
/** Bytes that a reader may have unread however late it is: one that paused for a moment is sent everything. */
const LITTLE = 8 * 1024;
/** Bytes written between two pings to a reader that keeps up: few enough pings to cost next to nothing. */
export const PING_EVERY = 64 * 1024;
/**
 * And the time between them. An answer costs more than many writes; and whoever has given one is taken for somebody who
 * converses by its kernel, which then acknowledges more eagerly.
 */
const SELDOM: Millis = 5000;
/** Bytes between two pings while an answer is waited for, so that a slow reader is heard of before it looks dead. */
const PING_WHILE_WAITING = 16 * 1024;
/** Between two pings, where an answer is waited for. */
const SHORTLY: Millis = 250;
/** The same to the slowest of readers, and what it may have under way. */
const LEAST = 1024;
/** A reader that may have so much under way need not be held back. */
const WIDE = 256 * 1024;
/** A turn of the event loop, roughly. */
const A_TURN: Millis = 20;
/** Who does not answer for so long, and yet is there, has ceased to answer. */
const FORGOTTEN: Millis = 120_000;
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
  /** Bytes that are known to be read, and since when; -1 where no ping was answered. */
  #read = 0;
  #readAt: Millis = -1;
  /** Bytes that may be under way; 0 for no limit. */
  #width = 0;
  /** When the oldest ping was sent that waits for an answer; -1 where none does. */
  #openSince: Millis = -1;
  /** Bytes written before the newest ping, and when that was. */
  #pingedAt = 0;
  #pingTime: Millis = 0;
  #pingEvery = LEAST;
  #pings = 0;
  /** The pings that wait for an answer, oldest first. */
  readonly #open: OpenPing[] = [];
  /** How long the quickest answer took. */
  #quickest: Millis = Infinity;
  /** When an answer was first found to be late; never where none is. */
  #lateSince: Millis = Infinity;

  /** True where more should wait, until the reader has read on. Times are whole milliseconds. */
  isClosed(now: Millis): boolean {
    if (this.#readAt >= 0 && this.#openSince >= 0 && now - this.#openSince > FORGOTTEN) this.#forget();
    if (this.#readAt < 0) return false;
    if (this.#width > 0 && this.room <= 0) return true;
    return this.#openSince >= 0 && this.#isOverdue(now);
  }

  /** Bytes that may be written now. */
  get room(): number {
    return this.#width === 0 ? Infinity : this.#width - this.#unread;
  }

  /** True where a ping should follow what was written. */
  isPingDue(now: Millis): boolean {
    // The first one as soon as something was written: it shows how long the way is. Who ignores that ignores the next.
    if (this.#readAt < 0) return this.#pings === 0;
    const bytes = this.#written - this.#pingedAt;
    if (this.#width > 0) return bytes >= Math.min(this.#pingEvery, this.#width);
    if (this.#openSince >= 0) return bytes >= PING_WHILE_WAITING && now - this.#pingTime >= SHORTLY;
    return bytes >= this.#pingEvery && (this.#pingEvery < PING_EVERY || !this.#isEarly(now));
  }

  /** Bytes that can be written, until the credit ends, without anything above changing by it; 0 where time alone may change it. */
  credit(now: Millis): number {
    if (this.#readAt < 0) return this.#pings > 0 ? PING_EVERY : 0;
    if (this.#width > 0 || this.#openSince >= 0) return 0;
    if (this.#pingEvery === PING_EVERY && this.#isEarly(now)) return PING_EVERY;
    return Math.max(0, this.#pingEvery - 1 - (this.#written - this.#pingedAt));
  }

  /** When a credit that is given now ends. */
  creditEnd(now: Millis): Millis {
    return (this.#isEarly(now) ? this.#pingTime : now) + SELDOM;
  }

  wrote(bytes: number): void {
    this.#written += bytes;
  }

  /** Notes that a ping is sent; returns its number. */
  ping(now: Millis): number {
    const number = ++this.#pings;
    this.#pingedAt = this.#written;
    this.#pingTime = now;
    // Where there are too many, the newest gives way: the oldest tell how far the reader is.
    if (this.#open.length === MOST_OPEN) this.#open.pop();
    this.#open.push({ number, position: this.#written, time: now });
    this.#openSince = this.#open[0]!.time;
    return number;
  }

  /** Notes that the ping with this number was answered, and so all before it. False where none waited for that. */
  answered(number: number, now: Millis): boolean {
    if (number > this.#pings) return false;
    let ping: OpenPing | undefined;
    while (this.#open.length > 0 && this.#open[0]!.number <= number) ping = this.#open.shift();
    if (!ping) return false;
    this.#openSince = this.#open[0]?.time ?? -1;
    const delay = now - ping.time;
    this.#quickest = Math.min(this.#quickest, delay);
    const bytes = ping.position - this.#read;
    // Since it was sent, or since what came before it was read.
    const readFor = now - Math.max(ping.time, this.#readAt);
    const perSecond = Math.max(LEAST, Math.floor((A_SECOND * bytes) / Math.max(1, readFor)));
    const isHeldBack = this.#width > 0 || this.#isLate(now);
    if (isHeldBack && bytes > 0 && this.#takesLong(delay)) this.#width = perSecond;
    else this.#width = 2 * this.#width <= WIDE ? 2 * this.#width : 0;
    // An answer that came in time to few bytes does not say that its reader is slow.
    this.#pingEvery = Math.min(PING_EVERY, this.#takesLong(delay) ? perSecond : Math.max(this.#pingEvery, perSecond));
    this.#lateSince = Infinity;
    this.#read = ping.position;
    this.#readAt = now;
    return true;
  }

  /** True where somebody who keeps up has been asked not long ago. */
  #isEarly(now: Millis): boolean {
    return now - this.#pingTime < SELDOM;
  }

  get #unread(): number {
    return this.#written - this.#read;
  }

  #isOverdue(now: Millis): boolean {
    if (!this.#takesLong(now - this.#openSince)) return false;
    if (this.#width === 0 && this.#unread <= LITTLE) return false;
    this.#lateSince = Math.min(this.#lateSince, now);
    return this.#isLate(now);
  }

  #forget(): void {
    this.#readAt = -1;
    this.#width = 0;
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
