import { type ChannelName, type Millis, type State, type TenantId, windowStart } from '../protocol/index.js';
import { CollectedWindows, type ViewWindow } from './collected-windows.js';
import { type Noted, RecordedWindows, type SeriesSample } from './recorded-windows.js';

/** How long after its end a window is closed: what was recorded at its end is still on its way through a commit. */
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
  readonly #recorded = new RecordedWindows();
  readonly #collected = new CollectedWindows();
  #openFrom: Millis;

  /**
   * @param length of the windows.
   * @param hasPast whether there may be values from before that nobody has told of.
   */
  constructor(
    readonly tenant: TenantId,
    readonly channel: ChannelName,
    private readonly length: Millis,
    now: Millis,
    hasPast: boolean,
  ) {
    this.#openFrom = this.#firstOpen(now);
    if (!hasPast) return;
    for (let start = this.#openFrom; start <= now; start += length) this.#recorded.noteAny(start);
  }

  /** When the first window begins that was not closed yet. */
  get openFrom(): Millis {
    return this.#openFrom;
  }

  /** A value was recorded in this series. What comes too late for its window is history alone. */
  note(series: number, timestamp: Millis, sample: SeriesSample): void {
    const start = windowStart(timestamp, this.length);
    if (start >= this.#openFrom) this.#recorded.note(start, series, sample);
  }

  /** A state that took so long that its window is closed counts for the one in which it came: it has no other history. */
  add(state: State): void {
    this.#collected.add(Math.max(this.#openFrom, windowStart(state.timestamp, this.length)), state);
  }

  /** Whether there may be anything to close. */
  hasEnded(now: Millis): boolean {
    return this.#firstOpen(now) > this.#openFrom || now + SET_BACK < this.#openFrom;
  }

  /** Closes the windows that have ended, oldest first. Those with nothing in them are none. */
  close(now: Millis, isWanted: (filterKey: string) => boolean): DueWindow[] {
    const until = this.#firstOpen(now);
    this.#openFrom = until;
    const starts = new Set([...this.#recorded.starts, ...this.#collected.starts()]);
    return [...starts]
      .filter((start) => start < until)
      .sort((one, other) => one - other)
      .map((start) => ({
        start,
        recorded: this.#recorded.take(start),
        collected: this.#collected.take(start, isWanted),
      }));
  }

  #firstOpen(now: Millis): Millis {
    return windowStart(now - GRACE, this.length);
  }
}
