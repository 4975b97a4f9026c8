import {
  type ChannelName,
  INTERVALS,
  type Interval,
  type Millis,
  type State,
  type TenantId,
  windowStart,
} from '../protocol/index.js';
import { CollectedWindows, type ViewWindow } from './collected-windows.js';
import { LateSeries } from './late-series.js';
import { type Noted, type NotedRoom, RecordedWindows, type SeriesSample } from './recorded-windows.js';

/** How long after its end a window is closed: what was recorded at its end is still on its way. */
export const GRACE: Millis = 250;
/** A clock that was set back by more than this shows a time that is lived again; by less, it was a little fast. */
const SET_BACK: Millis = 60_000;

/** A window that has ended. */
export interface DueWindow {
  readonly start: Millis;
  /** Where anything was recorded in it. */
  readonly recorded: Noted | undefined;
  /** Of the views for which states were collected in it. */
  readonly collected: readonly ViewWindow[];
}

/** The open windows of one length that somebody wants of a channel. A window is closed once, and the earlier one first. */
export class OpenWindows {
  /** Resolves when what was recorded ahead of the clock before is noted. */
  lookedAhead: Promise<void> = Promise.resolve();
  readonly #length: Millis;
  readonly #recorded: RecordedWindows;
  readonly #collected = new CollectedWindows();
  #closedUntil: Millis;
  #openFrom: Millis;
  /** Of the window that was closed last; of those before it, what comes late is history alone. */
  #late: LateSeries | undefined;

  /**
   * @param isRecorded whether what is recorded in the channel is what it shows. Then there may be values from before that
   * nobody has told of.
   */
  constructor(
    readonly tenant: TenantId,
    readonly channel: ChannelName,
    readonly interval: Interval,
    now: Millis,
    room: NotedRoom,
    private readonly isRecorded: boolean,
  ) {
    this.#length = INTERVALS[interval];
    this.#recorded = new RecordedWindows(room);
    this.#openFrom = this.#closedUntil = this.#firstOpen(now);
    if (!isRecorded) return;
    for (let start = this.#openFrom; start <= now; start += this.#length) this.#recorded.noteAny(start);
  }

  /** When the first window begins that is yet to be sent. It moves on right before a window is sent. */
  get openFrom(): Millis {
    return this.#openFrom;
  }

  /** Whether closing may mean to read what was recorded. */
  get isRead(): boolean {
    return this.isRecorded || this.hasLate || !this.#recorded.isEmpty;
  }

  /** Whether there are series whose first value came after its window was closed. */
  get hasLate(): boolean {
    return this.#late !== undefined && !this.#late.isEmpty;
  }

  /** A value was recorded in this series. */
  note(series: number, timestamp: Millis, sample: SeriesSample): void {
    const start = windowStart(timestamp, this.#length);
    if (start >= this.#closedUntil) this.#recorded.note(start, series, sample);
    else if (start === this.#late?.start) this.#late.note(series, sample);
  }

  /** A state that took so long that its window is closed counts for the one in which it came: it has no other history. */
  add(state: State): void {
    this.#collected.add(Math.max(this.#closedUntil, windowStart(state.timestamp, this.#length)), state);
  }

  /** Whether there may be anything to close. */
  hasEnded(now: Millis): boolean {
    return this.#firstOpen(now) > this.#closedUntil || now + SET_BACK < this.#closedUntil;
  }

  /**
   * Closes the windows that have ended, oldest first. Those with nothing in them are none. Before them comes what is late
   * of the one that was closed last.
   */
  close(now: Millis, isWanted: (filterKey: string) => boolean): DueWindow[] {
    const due: DueWindow[] = [];
    const late = this.#late?.take();
    if (late && late.size > 0) due.push({ start: this.#late!.start, recorded: late, collected: [] });
    if (!this.hasEnded(now)) return due;
    const until = this.#firstOpen(now);
    this.#late = until > this.#closedUntil ? new LateSeries(until - this.#length) : undefined;
    this.#closedUntil = until;
    const starts = new Set([...this.#recorded.starts, ...this.#collected.starts()]);
    const ended = [...starts].filter((start) => start < until).sort((one, other) => one - other);
    for (const start of ended) {
      due.push({ start, recorded: this.#recorded.take(start), collected: this.#collected.take(start, isWanted) });
    }
    return due;
  }

  /** A window is being sent, with these series. */
  sending({ start }: DueWindow, series: Iterable<number>): void {
    this.#openFrom = start + this.#length;
    if (this.#late?.start === start) this.#late.sent(series);
  }

  /** All that was closed is sent. */
  sent(): void {
    this.#openFrom = this.#closedUntil;
  }

  /** Nobody wants them any more. */
  drop(): void {
    this.#recorded.clear();
    this.#late = undefined;
  }

  #firstOpen(now: Millis): Millis {
    return windowStart(now - GRACE, this.#length);
  }
}
