import { NO_FILTER, type Principal, type TenantId, parseTenantId } from '../../src/protocol/index.js';

export function tenantId(name: string): TenantId {
  return parseTenantId(name)!;
}

export const ACME = tenantId('acme');

/** A viewer of the tenant `acme` with a token that does not end, but for what is said otherwise. */
export function principalWith(particulars: Partial<Principal> = {}): Principal {
  return {
    subject: 'ada',
    tenant: ACME,
    tenants: [particulars.tenant ?? ACME],
    roles: new Set(['viewer'] as const),
    filter: NO_FILTER,
    expiresAt: Infinity,
    issuedAt: 0,
    authenticated: true,
    ...particulars,
  };
}
