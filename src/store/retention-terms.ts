import type { Millis, TenantId } from '../protocol/index.js';
import { DAY, dayOf } from './levels.js';

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

/** How long a tenant waits that joins a term for which a table was just looked through. */
export const JOINED_AFTER: Millis = 3_600_000;

interface Mark<Place> {
  place: Place | undefined;
  readonly tenants: ReadonlySet<TenantId>;
  readonly begunAt: Millis;
}

/**
 * Up to where a table was looked through for the rows of tenants that have a shorter term: what lies before was left to
 * the others. All of it is looked through once a day, because late rows may have come to lie before the mark, and when
 * another tenant has joined the term, though not twice in an hour: most of what is there is others'.
 */
export class Marks<Place> {
  readonly #marks = new Map<string, Mark<Place>>();

  /** Where to go on; `undefined` where all has to be looked through, and always for the term of all tenants: they leave nothing. */
  from(table: string, { days, tenants }: Term, now: Millis): Place | undefined {
    if (!tenants) return undefined;
    const key = `${table} ${days}`;
    const mark = this.#marks.get(key);
    if (mark && dayOf(mark.begunAt) === dayOf(now)) {
      const isWaiting = now - mark.begunAt < JOINED_AFTER;
      if (isWaiting || [...tenants].every((tenant) => mark.tenants.has(tenant))) return mark.place;
    }
    this.#marks.set(key, { place: undefined, tenants, begunAt: now });
    return undefined;
  }

  /** It was looked through as far as that. */
  passed(table: string, { days }: Term, place: Place): void {
    const mark = this.#marks.get(`${table} ${days}`);
    if (mark) mark.place = place;
  }
}
