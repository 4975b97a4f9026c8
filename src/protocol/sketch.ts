/**
 * Observations as one distribution, whose quantiles are within 1 % of the true ones: how many fell into each of a row of
 * bins, every one of them as much wider than the last. Charles Masson, Jee E. Rim, Homin K. Lee: DDSketch, VLDB 2019.
 */

const ACCURACY = 0.01;
/** By how much a bin's upper bound is above its lower one. */
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);
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

/** Several observations in one: how many, and how they are distributed. Quantiles are within 1 % of the true ones. */
export interface Summary {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** A sketch that observations of any sign are added to. */
export class Sketch {
  readonly #above = new Map<number, number>();
  readonly #below = new Map<number, number>();
  #zeros = 0;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;

  /** About how much memory it takes. */
  get bytes(): number {
    return BIN_BYTES * (this.#above.size + this.#below.size + 8);
  }

  add(observation: number): void {
    if (observation === 0) this.#zeros++;
    else addTo(observation > 0 ? this.#above : this.#below, binOf(Math.abs(observation)));
    this.#count++;
    this.#sum += observation;
    this.#min = Math.min(this.#min, observation);
    this.#max = Math.max(this.#max, observation);
  }

  /** Of at least one observation. */
  summary(): Summary {
    const bins = this.#ascending();
    const [count, sum, min, max] = [this.#count, this.#sum, this.#min, this.#max];
    const quantile = (share: number) => {
      let before = 0;
      for (const [value, size] of bins) {
        before += size;
        // The middle of an outermost bin may lie beyond all that is in it.
        if (before > share * (count - 1)) return Math.min(max, Math.max(min, value));
      }
      return max;
    };
    return { count, sum, min, max, p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
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

function addTo(bins: Map<number, number>, bin: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + 1);
}
