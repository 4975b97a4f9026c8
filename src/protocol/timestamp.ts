/** Milliseconds since 1970-01-01 UTC: how an instant is held everywhere inside. */
export type Millis = number;

const ISO_8601 = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
/** All timestamps are before it. */
export const TIMESTAMP_END: Millis = Date.UTC(9999, 0);

let lastInstant = Number.NaN;
let lastText = '';

/** ISO-8601 UTC with milliseconds and `Z`. The frames of one instant ask for the same text, so the last one is kept. */
export function isoTimestamp(instant: Millis): string {
  if (instant !== lastInstant) {
    lastText = new Date(instant).toISOString();
    lastInstant = instant;
  }
  return lastText;
}

/** Seconds since 1970 as a float: the `timestamp` of control frames in the `channels` dialect. */
export function unixSeconds(instant: Millis): number {
  return instant / 1000;
}

/** Reads ISO-8601 text (UTC where no zone is said) or Unix seconds; `undefined` for anything else. */
export function parseTimestamp(value: unknown): Millis | undefined {
  if (typeof value === 'number') {
    const instant = Math.round(value * 1000);
    return instant >= 0 && instant < TIMESTAMP_END ? instant : undefined;
  }
  if (typeof value !== 'string' || !ISO_8601.test(value)) return undefined;
  // `Date` takes February 30 for March 2. Every month has 28 days; asking only beyond saves most of the time.
  const day = value.slice(0, 10);
  if (day.slice(8) > '28' && !new Date(day).toJSON()?.startsWith(day)) return undefined;
  const zoned = value.length > 10 && !/(Z|[+-]\d{2}:?\d{2})$/.test(value) ? `${value}Z` : value;
  const instant = Date.parse(zoned);
  return instant >= 0 && instant < TIMESTAMP_END ? instant : undefined;
}
