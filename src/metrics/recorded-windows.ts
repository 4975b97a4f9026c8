import type { Millis, Sample } from '../protocol/index.js';

/** What is known of a series by a value of it. */
export type SeriesSample = Pick<Sample, 'name' | 'type' | 'tags'>;

/** The series that have values in a window, by their numbers; or that it may be any series of the channel. */
export type Noted = ReadonlyMap<number, SeriesSample> | 'any';

/**
 * Room for the series that are noted, of all windows of a tenant together. Timestamps may be five minutes ahead, which are
 * many windows of a second.
 */
export class NotedRoom {
  #taken = 0;

  constructor(private readonly most = 200_000) {}

  /** False where there is none left. */
  take(): boolean {
    if (this.#taken >= this.most) return false;
    this.#taken++;
    return true;
  }

  free(count: number): void {
    this.#taken -= count;
  }
}

/** Notes which series of a channel got values in which windows, by the starts of these. */
export class RecordedWindows {
  readonly #windows = new Map<Millis, Map<number, SeriesSample> | 'any'>();

  constructor(private readonly room: NotedRoom) {}

  get isEmpty(): boolean {
    return this.#windows.size === 0;
  }

  get starts(): Iterable<Millis> {
    return this.#windows.keys();
  }

  /** It may be any series that has values in this window. */
  noteAny(start: Millis): void {
    this.take(start);
    this.#windows.set(start, 'any');
  }

  note(start: Millis, series: number, sample: SeriesSample): void {
    const window = this.#windows.get(start);
    if (window === 'any' || window?.has(series)) return;
    if (!this.room.take()) {
      this.noteAny(start);
      return;
    }
    if (window) window.set(series, sample);
    else this.#windows.set(start, new Map([[series, sample]]));
  }

  /** What was noted of a window, which is forgotten. */
  take(start: Millis): Noted | undefined {
    const window = this.#windows.get(start);
    this.#windows.delete(start);
    if (window && window !== 'any') this.room.free(window.size);
    return window;
  }

  /** Forgets all of them. */
  clear(): void {
    for (const start of [...this.starts]) this.take(start);
  }
}
