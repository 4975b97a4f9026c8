import type { Sample, Summary } from '../protocol/index.js';

/**
 * Two windows of a counter as one, which says by how much it grew in both: it stands where the newer one begins.
 *
 * @param before what was published earlier, which may be such a sum itself.
 */
export function sumOfWindows(before: Sample, after: Sample): Sample {
  const summary = before.summary && after.summary && sumOfSummaries(before.summary, after.summary);
  const timestamp = Math.max(before.timestamp, after.timestamp);
  return { ...after, timestamp, value: before.value + after.value, summary };
}

function sumOfSummaries(before: Summary, after: Summary): Summary {
  return {
    count: before.count + after.count,
    sum: before.sum + after.sum,
    min: Math.min(before.min, after.min),
    max: Math.max(before.max, after.max),
  };
}
