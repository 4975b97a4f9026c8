/**
 * A sketch of how long things took, from which any quantile can be read within 1 %: how many fell into each of a row
 * of bins, every one of them as much wider than the last. Charles Masson, Jee E. Rim, Homin K. Lee: DDSketch, VLDB 2019.
 */
export interface Bin {
  readonly bin: number;
  readonly count: number;
}

const ACCURACY = 0.01;
/** By how much a bin's upper bound is above its lower one. */
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);

/** What is shorter counts as zero: states show no finer, and there is an end to the number of bins. */
const SHORTEST_SECONDS = 1e-6;
/** The bin of zero, before all others. */
const ZERO_BIN = -10_000;

export function binOf(seconds: number): number {
  return seconds < SHORTEST_SECONDS ? ZERO_BIN : Math.ceil(Math.log(seconds) / LOG_GAMMA);
}

/** The seconds below which the share `q` of all is, 0 to 1; null where there are none. The bins come in their order. */
export function quantileOf(bins: readonly Bin[], q: number): number | null {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  let before = 0;
  for (const { bin, count } of bins) {
    before += count;
    if (before > q * (total - 1)) return secondsOf(bin);
  }
  return null;
}

/** The middle of a bin: none of its values is further from it than the accuracy. */
function secondsOf(bin: number): number {
  return bin === ZERO_BIN ? 0 : (2 * GAMMA ** bin) / (GAMMA + 1);
}
