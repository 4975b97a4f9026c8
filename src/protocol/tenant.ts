declare const brand: unique symbol;

/** The name of a tenant (a workspace). Only {@link parseTenantId} makes one. */
export type TenantId = string & { readonly [brand]: 'TenantId' };

/** What a tenant id is, in words. */
export const TENANT_ID_FORM = '1 to 128 characters of A-Z a-z 0-9 _ . -, the first a letter or a digit';

const TENANT_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** The tenant of open mode, in which a server on loopback takes everyone for one local user. */
export const LOCAL_TENANT = 'local' as TenantId;

/** Returns the value as a tenant id, or `undefined` where it is not one. */
export function parseTenantId(value: unknown): TenantId | undefined {
  return typeof value === 'string' && TENANT_ID.test(value) ? (value as TenantId) : undefined;
}
