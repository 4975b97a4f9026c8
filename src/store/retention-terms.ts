import type { Millis, TenantId } from '../protocol/index.js';

export const DAY: Millis = 24 * 3_600_000;

/** For how long rows are kept: those of all tenants, or only of some that want it shorter. */
export interface Term {
  /** Absent: as long as the rows of all. */
  readonly days: number | null;
  readonly tenants?: ReadonlySet<TenantId>;
}

/** The terms of rows that are kept for a time, unless their tenant has a shorter one. */
export function termsOf(keptFor: Millis, days: ReadonlyMap<TenantId, number>): Term[] {
  const shorter = new Map<number, Set<TenantId>>();
  for (const [tenant, count] of days) {
    if (count * DAY >= keptFor) continue;
    const tenants = shorter.get(count);
    if (tenants) tenants.add(tenant);
    else shorter.set(count, new Set([tenant]));
  }
  return [{ days: null }, ...[...shorter].map(([count, tenants]) => ({ days: count, tenants }))];
}

interface Mark<Place> {
  readonly place: Place;
  readonly tenants: ReadonlySet<TenantId>;
  readonly day: number;
}

/**
 * Up to where a table was looked through for the rows of tenants that have a shorter term: what lies before was left to
 * the others. Holds until another tenant joins, and for a day at most: late rows may have come to lie before it.
 */
export class Marks<Place> {
  readonly #marks = new Map<string, Mark<Place>>();

  /** `undefined` where all has to be looked through, and always for the term of all tenants: they leave nothing. */
  get(table: string, { days, tenants }: Term, now: Millis): Place | undefined {
    const mark = this.#marks.get(`${table} ${days}`);
    if (!mark || !tenants || mark.day !== dayOf(now)) return undefined;
    return [...tenants].every((tenant) => mark.tenants.has(tenant)) ? mark.place : undefined;
  }

  set(table: string, { days, tenants }: Term, now: Millis, place: Place): void {
    if (tenants) this.#marks.set(`${table} ${days}`, { place, tenants, day: dayOf(now) });
  }
}

function dayOf(instant: Millis): number {
  return Math.floor(instant / DAY);
}
