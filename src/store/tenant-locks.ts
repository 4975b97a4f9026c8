import { hash } from 'node:crypto';
import type { ClientBase } from 'pg';
import type { TenantId } from '../protocol/index.js';

/** The first of two numbers of each lock. The migrations' lock has one number, and is of another kind. */
const NAMESPACE = 733_194_023;
/**
 * Locks that the tenants share. The server has room for a few thousand in all (64 by 100 connections, unless it is set
 * up otherwise), and would fail a transaction beyond that; a commit may be for a thousand tenants.
 */
const TENANT_LOCKS = 1024;
/** The lock of what is no tenant's. */
const NOBODY = TENANT_LOCKS;

/**
 * Makes the transaction wait until no other one writes for these tenants, until it ends. Each write sorts its own rows,
 * but a transaction runs many writes one after another: two instances would lock the rows of a tenant's totals in
 * different orders, and the server would end one of them, again and again the more there is to write. All take the
 * locks in one order, so that these cannot deadlock either.
 */
export async function lockTenants(client: ClientBase, tenants: readonly (TenantId | undefined)[]): Promise<void> {
  if (tenants.length === 0) return;
  const locks = [...new Set(tenants.map(lockOf))].sort((one, other) => one - other);
  await client.query('SELECT pg_advisory_xact_lock($1, number) FROM unnest($2::int[]) AS number', [NAMESPACE, locks]);
}

/** Several tenants may have one lock: then they wait for each other without need, but not for long. */
export function lockOf(tenant: TenantId | undefined): number {
  if (tenant === undefined) return NOBODY;
  return Number.parseInt(hash('sha256', tenant, 'hex').slice(0, 8), 16) % TENANT_LOCKS;
}
