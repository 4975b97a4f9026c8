import { type Answer, type TestApp, tokenWith } from './app.js';
import type { TestTenant } from './test-tenant.js';

/** Posts what is to be revoked, with this token. */
export function revoke(app: TestApp, body: unknown, token: string): Promise<Answer> {
  return app.post('/admin/tokens/revoke', body, { authorization: `Bearer ${token}` });
}

/** Who may revoke in a tenant. */
export function adminOf(tenant: TestTenant): string {
  return tenant.token({ sub: 'the admin', roles: ['admin'] });
}

/** Who may revoke everywhere. */
export function operator(): string {
  return tokenWith({ sub: 'the operator', tenant_id: 'operations', roles: ['operator'] });
}

let count = 0;

/** A name that no other token has, as its `jti` or as its `sub`. */
export function newName(): string {
  return `name-${++count}`;
}
