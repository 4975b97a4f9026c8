import { MetricastError, type TenantId, parseTenantId } from '../protocol/index.js';
import { pathParameter, queryOf } from '../rest/index.js';
import { hasRole } from './authenticator.js';
import { callerOf } from './caller.js';
import { tenantsIn } from './credentials.js';

/**
 * Lets a request act in a tenant beside the one that it came in by.
 *
 * @throws {@link MetricastError} `not_found` where its caller may not; whether that tenant exists makes no difference.
 * `foreign_origin` where they may, and not from this page.
 */
export function enterTenant(request: object, tenant: TenantId | undefined): TenantId {
  const caller = callerOf(request);
  if (tenant === undefined || !caller.mayEnter(tenant)) throw new MetricastError('not_found');
  caller.requireWelcomeIn(tenant);
  return tenant;
}

/** The tenant that a request's path names, as `:tenantId`. @throws {@link MetricastError} as {@link enterTenant}. */
export function tenantInPath(request: object): TenantId {
  return enterTenant(request, parseTenantId(pathParameter(request, 'tenantId')));
}

/**
 * The tenants that a list is of: the one that the query names, else all that the caller may enter; `undefined` for all
 * that there are. For handlers with `@ListsTenants()`.
 *
 * @throws {@link MetricastError} `no_tenant_access` as wherever a query names a tenant that is not allowed.
 */
export function listedTenants(request: object): readonly TenantId[] | undefined {
  const caller = callerOf(request);
  const named = tenantsIn(queryOf(request));
  if (named.length === 0) {
    if (hasRole(caller.principal, 'operator')) return undefined;
    return caller.principal.tenants.filter((one) => caller.mayEnter(one) && caller.isWelcomeIn(one));
  }
  const tenant = parseTenantId(named[0]);
  if (named.length > 1 || !tenant || !caller.mayEnter(tenant)) {
    throw new MetricastError('no_tenant_access', { name: named.length === 1 ? tenant : undefined });
  }
  caller.requireWelcomeIn(tenant);
  return [tenant];
}
