import type { TagFilter } from '../protocol/index.js';

/** The pairs that the collector itself narrows by, and those that the state's tags have to match. */
export function splitFilter(
  filter: TagFilter,
  dimensions: readonly string[],
): [narrowing: TagFilter, matching: TagFilter] {
  const pairs = Object.entries(filter);
  return [
    Object.fromEntries(pairs.filter(([name]) => dimensions.includes(name))),
    Object.fromEntries(pairs.filter(([name]) => !dimensions.includes(name))),
  ];
}
