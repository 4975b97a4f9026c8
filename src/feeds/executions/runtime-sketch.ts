import { binOf as binAboveZero, middleOf } from '../../protocol/index.js';

/** How long things took, as a sketch: how many fell into each bin. */
export interface Bin {
  readonly bin: number;
  readonly count: number;
}

/** What is shorter counts as zero: states show no finer, and there is an end to the number of bins. */
const SHORTEST_SECONDS = 1e-6;
/** The bin of zero, before all others. */
const ZERO_BIN = -10_000;

export function binOf(seconds: number): number {
  return seconds < SHORTEST_SECONDS ? ZERO_BIN : binAboveZero(seconds);
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

function secondsOf(bin: number): number {
  return bin === ZERO_BIN ? 0 : middleOf(bin);
}
