import type { Millis } from '../protocol/index.js';
import type { SeriesSample } from './recorded-windows.js';

/**
 * Values that came too late for the window that was closed last. A series that was sent in it is not sent again; one that
 * was not, because its first value came late, is sent it behind the others.
 */
export class LateSeries {
  readonly #sent = new Set<number>();
  readonly #late = new Map<number, SeriesSample>();

  /** @param start of that window. */
  constructor(readonly start: Millis) {}

  get isEmpty(): boolean {
    return this.#late.size === 0;
  }

  note(series: number, sample: SeriesSample): void {
    if (!this.#sent.has(series)) this.#late.set(series, sample);
  }

  /** These series are sent in this window. */
  sent(series: Iterable<number>): void {
    for (const one of series) this.#sent.add(one);
  }

  /** Those that are yet to be sent, which are forgotten. */
  take(): ReadonlyMap<number, SeriesSample> {
    // One that was noted while the window was read may have been in it.
    const late = new Map([...this.#late].filter(([series]) => !this.#sent.has(series)));
    this.#late.clear();
    return late;
  }
}
