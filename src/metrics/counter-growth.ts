import { increaseOf } from '../protocol/index.js';

/** Counters that are remembered; those looked at longest ago go first. */
const MOST_COUNTERS = 100_000;

/**
 * By how much cumulative counters grew from one look to the next. Since when a counter grows that is seen for the first
 * time nobody knows, and a machine's may have for months: its first value is where growth is counted from.
 */
export class CounterGrowth {
  readonly #last = new Map<string, number>();

  constructor(private readonly most = MOST_COUNTERS) {}

  /** What it grew by since the value that was remembered. */
  of(key: string, value: number): number {
    const before = this.#last.get(key);
    return before === undefined ? 0 : increaseOf(value, before);
  }

  remember(key: string, value: number): void {
    // Deleted first, so that the map is in the order of looks.
    this.#last.delete(key);
    this.#last.set(key, value);
    if (this.#last.size > this.most) this.#last.delete(this.#last.keys().next().value!);
  }
}
