import { MetricastError, type Principal, type TenantId, parseTenantId } from '../protocol/index.js';
import { pathParameter, queryOf } from '../rest/index.js';
import { hasRole } from './authenticator.js';
import { tenantsIn } from './credentials.js';
import { principalOf } from './http-auth.guard.js';

/** Whether a tenant is one of those that the principal's token allows, or the principal may enter all. */
export function mayEnter(principal: Principal, tenant: TenantId): boolean {
  return principal.tenants.includes(tenant) || hasRole(principal, 'operator');
}

/**
 * The tenant that a request's path names, as `:tenantId`.
 *
 * @throws {@link MetricastError} `not_found` for one that its caller may not enter; whether it exists makes no difference.
 */
export function tenantInPath(request: object): TenantId {
  const tenant = parseTenantId(pathParameter(request, 'tenantId'));
  if (!tenant || !mayEnter(principalOf(request), tenant)) throw new MetricastError('not_found');
  return tenant;
}

/**
 * The tenants that a list is of: the one that the query names, else all that the caller may enter; `undefined` for all
 * that there are. For handlers with `@ListsTenants()`.
 *
 * @throws {@link MetricastError} `no_tenant_access` as wherever a query names a tenant that is not allowed.
 */
export function listedTenants(request: object): readonly TenantId[] | undefined {
  const principal = principalOf(request);
  const named = tenantsIn(queryOf(request));
  if (named.length === 0) return hasRole(principal, 'operator') ? undefined : principal.tenants;
  const tenant = parseTenantId(named[0]);
  if (named.length > 1 || !tenant || !mayEnter(principal, tenant)) {
    throw new MetricastError('no_tenant_access', { name: named.length === 1 ? tenant : undefined });
  }
  return [tenant];
}
