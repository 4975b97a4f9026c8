import type { Origins } from '../limits/index.js';
import type { Principal, TenantId } from '../protocol/index.js';
import { hasRole } from './authenticator.js';
import type { RevocationList } from './revocation-list.js';

const CALLER = Symbol('metricast.caller');

/** Who a REST request is from, and in which tenants beside its own they may act: decided here, and nowhere else. */
export class Caller {
  constructor(
    readonly principal: Principal,
    private readonly origin: string | undefined,
    private readonly revocations: RevocationList,
    private readonly origins: Origins,
  ) {}

  /** Whether a tenant is one of those that the token allows, or any to an operator; and the token is still taken there. */
  mayEnter(tenant: TenantId): boolean {
    const isAllowed = this.principal.tenants.includes(tenant) || hasRole(this.principal, 'operator');
    return isAllowed && !this.revocations.revokes({ ...this.principal, tenant });
  }

  /** Whether a tenant wants to be used from the page that asks. */
  isWelcomeIn(tenant: TenantId): boolean {
    return this.origins.allowFor(tenant, this.origin);
  }

  /** @throws {@link MetricastError} `foreign_origin` where the tenant does not want to be used from the page that asks. */
  requireWelcomeIn(tenant: TenantId): void {
    this.origins.requireFor(tenant, this.origin);
  }
}

/** Notes whom a request was found to be from. */
export function introduce(request: object, caller: Caller): void {
  (request as { [CALLER]: Caller })[CALLER] = caller;
}

/** Whom the guard found the request to be from. */
export function callerOf(request: object): Caller {
  return (request as { [CALLER]: Caller })[CALLER];
}

export function principalOf(request: object): Principal {
  return callerOf(request).principal;
}
