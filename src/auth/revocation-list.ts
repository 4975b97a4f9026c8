import { Injectable } from '@nestjs/common';
import type { Millis, Principal, TenantId } from '../protocol/index.js';

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

/** Every revocation, at hand at any moment: each connection and each request is looked up. */
@Injectable()
export class RevocationList {
  readonly #byKey = new Map<string, Revocation>();

  /** Takes one in. False where it was known, or a later one of the same. */
  add(revocation: Revocation): boolean {
    const key = keyOf(revocation.kind, revocation.value, revocation.tenant);
    if ((this.#byKey.get(key)?.revokedAt ?? -Infinity) >= revocation.revokedAt) return false;
    this.#byKey.set(key, revocation);
    return true;
  }

  /** Whether the token that made somebody this principal is not taken any more. */
  revokes(principal: Principal): boolean {
    if (this.#byKey.size === 0) return false;
    const { subject, tenant, tokenId } = principal;
    const keys = [keyOf('sub', subject, null), keyOf('sub', subject, tenant), keyOf('tenant', tenant, tenant)];
    if (tokenId !== undefined) keys.push(keyOf('jti', tokenId, null), keyOf('jti', tokenId, tenant));
    return keys.some((key) => isMeantBy(this.#byKey.get(key), principal));
  }

  /** Drops those from before this instant. */
  forget(before: Millis): void {
    for (const [key, { revokedAt }] of this.#byKey) {
      if (revokedAt < before) this.#byKey.delete(key);
    }
  }
}

/** Whether a principal's token is one of those that a revocation is about. */
export function isMeantBy(revocation: Revocation | undefined, principal: Principal): boolean {
  if (!revocation || !principal.authenticated) return false;
  const { kind, value, tenant, revokedAt } = revocation;
  if (tenant !== null && tenant !== principal.tenant) return false;
  if (kind === 'jti') return value === principal.tokenId;
  // A token that does not say when it was issued counts as an old one.
  return (kind === 'tenant' || value === principal.subject) && principal.issuedAt <= revokedAt;
}

/** No kind and no tenant holds a space, so that no two are alike. */
function keyOf(kind: RevocationKind, value: string, tenant: TenantId | null): string {
  return `${kind} ${tenant ?? '*'} ${value}`;
}
