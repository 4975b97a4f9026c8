import {
  DEFAULT_LIMITS,
  NOTHING_SET,
  type OwnSettings,
  type SettingsDefaults,
  Tenants,
} from '../../src/tenants/index.js';
import type { Answer } from './app.js';
import type { TestTenant } from './test-tenant.js';

/** Changes the settings of a tenant over HTTP, as its administrator. @throws Error where that is refused. */
export async function changeSettings(
  app: { url(path: string): string },
  tenant: Pick<TestTenant, 'id' | 'token'>,
  changes: Readonly<Record<string, unknown>>,
): Promise<Answer['body']> {
  const response = await fetch(app.url(`/admin/tenants/${tenant.id}/settings`), {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${tenant.token({ roles: ['admin'] })}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(changes),
  });
  const body = (await response.json()) as Answer['body'];
  if (response.status !== 200) throw new Error(JSON.stringify(body));
  return body;
}

/** What applies to tenants, none of which has set anything. */
export function tenantsWith(defaults: Partial<SettingsDefaults> = {}): Tenants {
  return new Tenants({ updateInterval: 1, limits: DEFAULT_LIMITS, ...defaults });
}

let changes = 0;

/** Has a tenant set this, and nothing else. */
export function set(tenants: Tenants, tenantId: string, own: Partial<OwnSettings>): void {
  tenants.learn({ ...NOTHING_SET, ...own, tenantId, createdAt: 0, updatedAt: ++changes });
}
