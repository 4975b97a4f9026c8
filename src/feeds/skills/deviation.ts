/** How many runs a window had, and how many of them completed. */
export interface Runs {
  readonly runs: number;
  readonly completed: number;
}

/** When a deviation is an anomaly. */
export interface AnomalyThresholds {
  /** Runs that the baseline needs to say anything. Default 5. */
  readonly minBaselineRuns: number;
  /** Runs that the current window needs. Default 2. */
  readonly minCurrentRuns: number;
  /** An anomaly opens at this many standard deviations, either way. Default 2. */
  readonly openAt: number;
  /** An open one is resolved below this many. Default 1. */
  readonly resolveBelow: number;
  /** Where the baseline never varied, a change of the mean by this much scores 10. Default 0.2. */
  readonly steadyChange: number;
}

export const DEFAULT_THRESHOLDS: AnomalyThresholds = {
  minBaselineRuns: 5,
  minCurrentRuns: 2,
  openAt: 2,
  resolveBelow: 1,
  steadyChange: 0.2,
};

/** The score of a change where there is no standard deviation to measure it by. */
export const STEADY_SCORE = 10;

/**
 * How far the current completion is from the baseline's, in the baseline's sample standard deviations (n − 1);
 * `undefined` where there are too few runs to say. A run counts 1 where it completed and 0 where it did not, so the
 * counts alone give mean and deviation.
 */
export function deviationScore(baseline: Runs, current: Runs, thresholds = DEFAULT_THRESHOLDS): number | undefined {
  if (baseline.runs < baselineRuns(thresholds) || current.runs < currentRuns(thresholds)) return undefined;
  const mean = baseline.completed / baseline.runs;
  const change = current.completed / current.runs - mean;
  const variance = (baseline.runs * mean * (1 - mean)) / (baseline.runs - 1);
  if (variance > 0) return change / Math.sqrt(variance);
  // A rounding error below the threshold must not hide a change of exactly as much.
  return Math.abs(change) >= thresholds.steadyChange - 1e-9 ? Math.sign(change) * STEADY_SCORE : 0;
}

/** How many runs a skill needs in all for its deviation to have a score. */
export function runsNeeded(thresholds = DEFAULT_THRESHOLDS): number {
  return baselineRuns(thresholds) + currentRuns(thresholds);
}

/** One run alone has no deviation. */
function baselineRuns({ minBaselineRuns }: AnomalyThresholds): number {
  return Math.max(2, Math.ceil(minBaselineRuns));
}

function currentRuns({ minCurrentRuns }: AnomalyThresholds): number {
  return Math.max(1, Math.ceil(minCurrentRuns));
}

export type AnomalyStep = 'open' | 'resolve' | 'keep';

/** What a score means for a skill that has an open anomaly, or has none. */
export function anomalyStep(score: number | undefined, isOpen: boolean, thresholds = DEFAULT_THRESHOLDS): AnomalyStep {
  if (score === undefined) return 'keep';
  if (isOpen) return Math.abs(score) < thresholds.resolveBelow ? 'resolve' : 'keep';
  return Math.abs(score) >= thresholds.openAt ? 'open' : 'keep';
}
