/**
 * The quantile of so many observations, as one of them: the lower quantile of the paper on DDSketch, of which each
 * observation is one.
 */
export function lowerQuantile(observations: readonly number[], share: number): number {
  return observations.toSorted((one, other) => one - other)[Math.floor(share * (observations.length - 1))]!;
}

/** Whether a number is the other but for a small part of that. */
export function isWithin(share: number, exact: number): (value: unknown) => boolean {
  return (value) => Math.abs((value as number) - exact) <= Math.abs(exact) * share * (1 + 1e-9);
}
