const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const LONGEST = 3650 * 86_400;

/** What a duration may be, in words. */
export const DURATION_FORM = 'a duration such as 30s, 15m, 1h or 7d, of at most 3650d';

/** Reads `30s`, `15m`, `1h`, `7d`: the seconds, or `undefined` where it is none, or too long. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit ?? ''] ?? Number.NaN);
  return seconds > 0 && seconds <= LONGEST ? seconds : undefined;
}
