import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_THRESHOLDS,
  STEADY_SCORE,
  anomalyStep,
  deviationScore,
  runsNeeded,
} from '../../../../src/feeds/skills/deviation.js';

/** The score from the runs themselves, each 1 or 0, by the textbook. */
function naiveScore(baseline: readonly boolean[], current: readonly boolean[]): number {
  const values = baseline.map(Number);
  const mean = meanOf(values);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return (meanOf(current.map(Number)) - mean) / Math.sqrt(variance);
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const runs = (outcomes: readonly boolean[]) => ({ runs: outcomes.length, completed: outcomes.filter(Boolean).length });
const outcomes = (minLength: number) => fc.array(fc.boolean(), { minLength, maxLength: 300 });

describe('score', () => {
  it('is the distance of the means in sample standard deviations', () => {
    const varied = outcomes(5).filter((baseline) => new Set(baseline).size === 2);
    fc.assert(
      fc.property(varied, outcomes(2), (baseline, current) => {
        expect(deviationScore(runs(baseline), runs(current))).toBeCloseTo(naiveScore(baseline, current), 9);
      }),
    );
  });

  it.each([
    // 10 runs, 9 completed: mean 0.9, standard deviation 0.3162.
    { baseline: { runs: 10, completed: 9 }, current: { runs: 4, completed: 1 }, score: -2.0555 },
    { baseline: { runs: 10, completed: 1 }, current: { runs: 4, completed: 3 }, score: 2.0555 },
    { baseline: { runs: 10, completed: 5 }, current: { runs: 2, completed: 1 }, score: 0 },
  ])('$current after $baseline is $score', ({ baseline, current, score }) => {
    expect(deviationScore(baseline, current)).toBeCloseTo(score, 4);
  });

  it.each([
    { baseline: 1, current: 1, score: 0 },
    { baseline: 1, current: 0.81, score: 0 },
    { baseline: 1, current: 0.8, score: -STEADY_SCORE },
    { baseline: 1, current: 0, score: -STEADY_SCORE },
    { baseline: 0, current: 0, score: 0 },
    { baseline: 0, current: 0.19, score: 0 },
    { baseline: 0, current: 0.2, score: STEADY_SCORE },
    { baseline: 0, current: 1, score: STEADY_SCORE },
  ])('where the baseline never varied from $baseline, $current is $score', ({ baseline, current, score }) => {
    const of = (mean: number) => ({ runs: 100, completed: Math.round(100 * mean) });
    expect(deviationScore(of(baseline), of(current))).toBe(score);
  });

  it('counts a change of exactly a fifth, whatever the counts are that make it', () => {
    for (let fifths = 1; fifths <= 200; fifths++) {
      const current = { runs: 5 * fifths, completed: 4 * fifths };
      expect(deviationScore({ runs: 7, completed: 7 }, current)).toBe(-STEADY_SCORE);
      expect(deviationScore({ runs: 7, completed: 0 }, { ...current, completed: fifths })).toBe(STEADY_SCORE);
    }
  });

  it.each([
    { baseline: 4, current: 2, isKnown: false },
    { baseline: 5, current: 1, isKnown: false },
    { baseline: 5, current: 2, isKnown: true },
    { baseline: 0, current: 0, isKnown: false },
  ])('of $current runs after $baseline is known: $isKnown', ({ baseline, current, isKnown }) => {
    const score = deviationScore({ runs: baseline, completed: 0 }, { runs: current, completed: 0 });
    expect(score !== undefined).toBe(isKnown);
  });

  it('is a number whatever the thresholds ask for, or unknown', () => {
    const thresholds = { ...DEFAULT_THRESHOLDS, minBaselineRuns: 0, minCurrentRuns: 0 };
    expect(deviationScore({ runs: 0, completed: 0 }, { runs: 5, completed: 5 }, thresholds)).toBeUndefined();
    expect(deviationScore({ runs: 1, completed: 1 }, { runs: 5, completed: 0 }, thresholds)).toBeUndefined();
    expect(deviationScore({ runs: 5, completed: 5 }, { runs: 0, completed: 0 }, thresholds)).toBeUndefined();
    expect(deviationScore({ runs: 2, completed: 2 }, { runs: 1, completed: 0 }, thresholds)).toBe(-STEADY_SCORE);
  });

  it('takes the thresholds that are configured', () => {
    const [baseline, current] = [
      { runs: 20, completed: 20 },
      { runs: 10, completed: 7 },
    ] as const;
    expect(deviationScore(baseline, current, { ...DEFAULT_THRESHOLDS, minBaselineRuns: 21 })).toBeUndefined();
    expect(deviationScore(baseline, current, { ...DEFAULT_THRESHOLDS, minCurrentRuns: 11 })).toBeUndefined();
    expect(deviationScore(baseline, current, { ...DEFAULT_THRESHOLDS, steadyChange: 0.4 })).toBe(0);
  });
});

describe('step', () => {
  it.each([
    { score: 2, isOpen: false, step: 'open' },
    { score: -2, isOpen: false, step: 'open' },
    { score: 1.999, isOpen: false, step: 'keep' },
    { score: -1.999, isOpen: false, step: 'keep' },
    { score: 0, isOpen: false, step: 'keep' },
    { score: 5, isOpen: true, step: 'keep' },
    { score: 1, isOpen: true, step: 'keep' },
    { score: -1, isOpen: true, step: 'keep' },
    { score: 0.999, isOpen: true, step: 'resolve' },
    { score: -0.999, isOpen: true, step: 'resolve' },
    { score: undefined, isOpen: true, step: 'keep' },
    { score: undefined, isOpen: false, step: 'keep' },
  ])('at $score with one open ($isOpen): $step', ({ score, isOpen, step }) => {
    expect(anomalyStep(score, isOpen)).toBe(step);
  });

  it('takes the thresholds that are configured', () => {
    const thresholds = { ...DEFAULT_THRESHOLDS, openAt: 3, resolveBelow: 2 };
    expect(anomalyStep(2.5, false, thresholds)).toBe('keep');
    expect(anomalyStep(1.5, true, thresholds)).toBe('resolve');
  });
});

describe('runs needed', () => {
  it.each([
    { minBaselineRuns: 5, minCurrentRuns: 2, needed: 7 },
    { minBaselineRuns: 0, minCurrentRuns: 0, needed: 3 },
    { minBaselineRuns: 4.5, minCurrentRuns: 1.5, needed: 7 },
  ])('$needed for at least $minBaselineRuns and $minCurrentRuns', ({ needed, ...least }) => {
    const thresholds = { ...DEFAULT_THRESHOLDS, ...least };
    expect(runsNeeded(thresholds)).toBe(needed);

    const scored = (count: number) =>
      Array.from({ length: count + 1 }, (_, baseline) =>
        deviationScore({ runs: baseline, completed: 0 }, { runs: count - baseline, completed: 0 }, thresholds),
      ).filter((score) => score !== undefined);
    expect(scored(needed - 1)).toEqual([]);
    expect(scored(needed)).toHaveLength(1);
  });
});
