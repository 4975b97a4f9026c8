import { Injectable } from '@nestjs/common';
import type { Millis, Principal, TenantId } from '../protocol/index.js';

/** How far the clock of who signs tokens may be ahead of ours: what it signed before must not look newer than a revocation. */
const TOLERANCE: Millis = 5000;

/** What a revocation is about: one token by its id, or all that a subject or a tenant has been given. */
export type RevocationKind = 'jti' | 'sub' | 'tenant';

/** Tokens that are not taken any more. */
export interface Revocation {
  readonly kind: RevocationKind;
  /** The id, the subject or the tenant. */
  readonly value: string;
  /** The tenant in which they are not taken; null for all. */
  readonly tenant: TenantId | null;
  /** A subject or a tenant can be given new tokens: those that were issued up to then are meant. */
  readonly revokedAt: Millis;
}

/** Of tokens and of subjects, in one tenant. Who needs more revokes all tokens of the tenant, which stands for them. */
export const MAX_IN_A_TENANT = 10_000;
/** What was issued later than this before all tokens of a tenant were revoked may say that it was issued since. */
const MAX_AHEAD: Millis = 60_000;

/** Every revocation, at hand at any moment: each connection and each request is looked up. */
@Injectable()
export class RevocationList {
  /** By where they hold, and there by {@link keyOf}. */
  readonly #byTenant = new Map<TenantId | null, Map<string, Revocation>>();

  /** Takes one in. False where it was known, or a later one of the same. */
  add(revocation: Revocation): boolean {
    const { kind, value, tenant, revokedAt } = revocation;
    let there = this.#byTenant.get(tenant);
    if (!there) this.#byTenant.set(tenant, (there = new Map<string, Revocation>()));
    const key = keyOf(kind, value);
    if ((there.get(key)?.revokedAt ?? -Infinity) >= revokedAt) return false;
    there.set(key, revocation);
    if (kind === 'tenant')
      this.#dropWhere(there, (one) => one.kind !== 'tenant' && one.revokedAt <= standsForThoseUntil(revocation));
    return true;
  }

  /** False where a tenant has so many that one more, which it has not yet, is too many. */
  hasRoomFor({ kind, value, tenant }: Omit<Revocation, 'revokedAt'>): boolean {
    if (tenant === null || kind === 'tenant') return true;
    const there = this.#byTenant.get(tenant);
    return !there || there.size < MAX_IN_A_TENANT || there.has(keyOf(kind, value));
  }

  /** Whether the token that made somebody this principal is not taken any more. */
  revokes(principal: Principal): boolean {
    const { subject, tenant, tokenId } = principal;
    const keys = [keyOf('sub', subject), keyOf('tenant', tenant)];
    if (tokenId !== undefined) keys.push(keyOf('jti', tokenId));
    return [this.#byTenant.get(null), this.#byTenant.get(tenant)].some(
      (there) => there && keys.some((key) => isMeantBy(there.get(key), principal)),
    );
  }

  /** Drops those from before this instant. */
  forget(before: Millis): void {
    for (const [tenant, there] of this.#byTenant) {
      this.#dropWhere(there, ({ revokedAt }) => revokedAt < before);
      if (there.size === 0) this.#byTenant.delete(tenant);
    }
  }

  #dropWhere(there: Map<string, Revocation>, isDropped: (revocation: Revocation) => boolean): void {
    for (const [key, revocation] of there) {
      if (isDropped(revocation)) there.delete(key);
    }
  }
}

/** Up to when tokens and subjects were revoked that need not be remembered beside the revocation of all tokens of their tenant. */
export function standsForThoseUntil({ revokedAt }: Revocation): Millis {
  return revokedAt - MAX_AHEAD;
}

/** Whether a principal's token is one of those that a revocation is about. An operator's is so in all tenants or in none. */
export function isMeantBy(revocation: Revocation | undefined, principal: Principal): boolean {
  if (!revocation || !principal.authenticated) return false;
  const { kind, value, tenant, revokedAt } = revocation;
  // A tenant's administrator must not shut out those who administer all of them.
  if (tenant !== null && (tenant !== principal.tenant || principal.roles.has('operator'))) return false;
  if (kind === 'jti') return value === principal.tokenId;
  // A token that does not say when it was issued counts as an old one.
  return (kind === 'tenant' || value === principal.subject) && principal.issuedAt <= revokedAt + TOLERANCE;
}

/** No kind holds a space, so that no two are alike. */
function keyOf(kind: RevocationKind, value: string): string {
  return `${kind} ${value}`;
}
