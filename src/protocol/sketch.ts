/**
 * Observations as one distribution, whose quantiles are within 1 % of the true ones: how many fell into each of a row of
 * bins, every one of them as much wider than the last. Charles Masson, Jee E. Rim, Homin K. Lee: DDSketch, VLDB 2019.
 */

const ACCURACY = 0.01;
/** By how much a bin's upper bound is above its lower one. */
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);
/**
 * Bins that are kept, of both signs together: 17 orders of magnitude. Without a bound one series whose observations are
 * further apart would make every write to it slow. Beyond it the smallest count as zero, beside the others as good as that.
 */
const MAX_BINS = 2048;
/** About what a bin takes in memory. */
const BIN_BYTES = 48;

/** The bin of a value above zero. */
export function binOf(value: number): number {
  return Math.ceil(Math.log(value) / LOG_GAMMA);
}

/** The middle of a bin: none of its values is further from it than the accuracy. */
export function middleOf(bin: number): number {
  return (2 * GAMMA ** bin) / (GAMMA + 1);
}

/** Several values in one. */
export interface Summary {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** How observations are distributed: each within 1 % of the true quantile. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * A sketch of how observations of any sign are distributed. In whatever order they come, and however they are merged,
 * its quantiles are the same.
 */
export class Sketch {
  readonly #above = new Map<number, number>();
  readonly #below = new Map<number, number>();
  #zeros = 0;

  /** Reads what {@link encode} wrote. @throws Error where it did not. */
  static decode(text: string): Sketch {
    const sketch = new Sketch();
    const [zeros, above, below] = JSON.parse(text) as [number, number[], number[]];
    if (!isCount(zeros)) throw new TypeError('a sketch without a number of zeros');
    sketch.#zeros = zeros;
    fill(sketch.#above, above);
    fill(sketch.#below, below);
    return sketch;
  }

  /** As JSON: how many were zero, then bins and their sizes in turn, of those above zero and of those below. */
  encode(): string {
    this.#fold(MAX_BINS);
    return JSON.stringify([this.#zeros, listOf(this.#above), listOf(this.#below)]);
  }

  /** About how much memory it takes. */
  get bytes(): number {
    return BIN_BYTES * (this.#above.size + this.#below.size + 8);
  }

  add(observation: number): void {
    if (observation === 0) this.#zeros++;
    else addTo(observation > 0 ? this.#above : this.#below, binOf(Math.abs(observation)), 1);
    this.#fold(2 * MAX_BINS);
  }

  /** Adds all that the other one has seen. */
  merge(other: Sketch): void {
    this.#zeros += other.#zeros;
    for (const [bin, size] of other.#above) addTo(this.#above, bin, size);
    for (const [bin, size] of other.#below) addTo(this.#below, bin, size);
    this.#fold(2 * MAX_BINS);
  }

  /** Of the observations that it has seen, between their extremes; where it has seen none, the greatest. */
  quantiles({ min, max }: Summary): Quantiles {
    this.#fold(MAX_BINS);
    const bins = this.#ascending();
    const count = bins.reduce((sum, [, size]) => sum + size, 0);
    const quantile = (share: number) => {
      let before = 0;
      for (const [value, size] of bins) {
        before += size;
        // The middle of an outermost bin may lie beyond all that is in it.
        if (before > share * (count - 1)) return Math.min(max, Math.max(min, value));
      }
      return max;
    };
    return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
  }

  /**
   * Where there are more bins than that, keeps the most that may be, and counts what is nearer to zero as zero. What is
   * given up early would be given up in the end, so that it makes no difference when that is done.
   */
  #fold(limit: number): void {
    if (this.#above.size + this.#below.size <= limit) return;
    const bins = Int32Array.from([...this.#above.keys(), ...this.#below.keys()]).sort();
    const least = bins.at(-MAX_BINS)!;
    for (const side of [this.#above, this.#below]) {
      for (const [bin, size] of side) {
        if (bin >= least) continue;
        this.#zeros += size;
        side.delete(bin);
      }
    }
  }

  /** The middles of the bins, and how many observations are in each. */
  #ascending(): [value: number, count: number][] {
    const below = [...this.#below].sort(([one], [other]) => other - one);
    const above = [...this.#above].sort(([one], [other]) => one - other);
    return [
      ...below.map(([bin, count]): [number, number] => [-middleOf(bin), count]),
      [0, this.#zeros],
      ...above.map(([bin, count]): [number, number] => [middleOf(bin), count]),
    ];
  }
}

/** Bins and their sizes in turn. Written out, because this is done for every window of a histogram that is stored. */
function listOf(bins: ReadonlyMap<number, number>): number[] {
  const list: number[] = [];
  for (const [bin, size] of bins) list.push(bin, size);
  return list;
}

/** The other way round. */
function fill(bins: Map<number, number>, list: readonly number[]): void {
  for (let index = 0; index < list.length; index += 2) {
    const [bin, size] = [list[index], list[index + 1]];
    if (!Number.isInteger(bin) || !isCount(size)) throw new TypeError('a sketch with a bin that is none');
    bins.set(bin!, size!);
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function addTo(bins: Map<number, number>, bin: number, count: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + count);
}
