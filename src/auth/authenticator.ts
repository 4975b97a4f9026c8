import { Injectable } from '@nestjs/common';
import {
  LOCAL_TENANT,
  MetricastError,
  NO_FILTER,
  type Principal,
  ROLES,
  type Role,
  type TenantId,
  parseTenantId,
} from '../protocol/index.js';
import { OpenMode } from './open-mode.js';
import { RevocationList } from './revocation-list.js';
import { TokenVerifier } from './token-verifier.js';

/** What a connection or a request brings to say who it is. */
export interface Credentials {
  readonly token: string | undefined;
  /** The tenants named in its address: every value of `tenant_id`, `workspace_id`, `workspaceId`. */
  readonly tenants: readonly string[];
  /** Whether it is for others to judge who may name a tenant that the token does not allow: until then it counts as not named. */
  readonly mayNameOthers?: boolean | undefined;
  /** Whether it was made on this machine, for this machine: {@link isLocalRequest}. */
  readonly isLocal: boolean;
}

/** Says who somebody is, and in which tenant. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly openMode: OpenMode,
    private readonly revocations: RevocationList,
  ) {}

  /**
   * Resolves when {@link authenticate} can check the token; `undefined` where that is now, as it nearly always is: a token
   * may name a key that is to be fetched first.
   */
  seekKey(token: string | undefined): Promise<void> | undefined {
    return token === undefined ? undefined : this.verifier.seekKey(token);
  }

  /**
   * @throws {@link MetricastError} `unauthenticated` without a valid token, `no_tenant_access` for a tenant that the token
   * does not allow; whether that tenant exists makes no difference.
   */
  authenticate({ token, tenants, mayNameOthers = false, isLocal }: Credentials): Principal {
    const choose = mayNameOthers ? chooseAmong : chooseTenant;
    if (token === undefined && this.openMode.isOpen) {
      if (!isLocal) throw new MetricastError('forbidden', { detail: 'without a token, only this machine is served' });
      return { ...LOCAL_PRINCIPAL, tenant: choose(tenants, [LOCAL_TENANT]) };
    }
    if (token === undefined) throw new MetricastError('unauthenticated');
    const claims = this.verifier.verify(token);
    const principal: Principal = { ...claims, tenant: choose(tenants, claims.tenants), authenticated: true };
    if (this.revocations.revokes(principal)) throw new MetricastError('unauthenticated');
    return principal;
  }

  /**
   * Who somebody is that is known already, and brings a newer token.
   *
   * @throws {@link MetricastError} `unauthenticated` without a valid one, `forbidden` or `no_tenant_access` where it is
   * somebody else's, or of another tenant.
   */
  renew({ subject, tenant }: Principal, token: string): Principal {
    const principal = this.authenticate({ token, tenants: [tenant], isLocal: false });
    if (principal.subject === subject) return principal;
    throw new MetricastError('forbidden', { detail: 'the token is of another subject' });
  }

  /** False where everyone is let in without a token. */
  get needsToken(): boolean {
    return !this.openMode.isOpen;
  }
}

const LOCAL_PRINCIPAL: Principal = {
  subject: 'local',
  tenant: LOCAL_TENANT,
  tenants: [LOCAL_TENANT],
  roles: new Set(ROLES),
  filter: NO_FILTER,
  expiresAt: Infinity,
  issuedAt: 0,
  authenticated: false,
};

function chooseTenant(named: readonly string[], allowed: readonly TenantId[]): TenantId {
  if (named.length === 0) return allowed[0]!;
  const tenant = parseTenantId(named[0]);
  if (named.length > 1 || !tenant || !allowed.includes(tenant)) {
    // Named only where it is one that could be; whether it is, nobody is told.
    throw new MetricastError('no_tenant_access', { name: named.length === 1 ? tenant : undefined });
  }
  return tenant;
}

/** The same, where a name that is not allowed is no reason to refuse. */
function chooseAmong(named: readonly string[], allowed: readonly TenantId[]): TenantId {
  return chooseTenant(
    named.filter((name) => allowed.some((tenant) => tenant === name)),
    allowed,
  );
}

/** True where the principal has the role itself, or one that includes it. */
export function hasRole({ roles }: Principal, role: Role): boolean {
  return roles.has(role) || roles.has('operator') || (roles.has('admin') && role === 'viewer');
}
