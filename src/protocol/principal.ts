import type { TagFilter } from './tags.js';
import type { TenantId } from './tenant.js';
import type { Millis } from './timestamp.js';

/**
 * What a principal may do: `viewer` reads, `ingest` writes, `admin` changes its own tenant,
 * `operator` does all of that in every tenant. An `admin` is a `viewer` too, an `operator` is everything.
 */
export type Role = 'viewer' | 'ingest' | 'admin' | 'operator';
export const ROLES: readonly Role[] = ['viewer', 'ingest', 'admin', 'operator'];

/** Who a connection or a request belongs to. */
export interface Principal {
  /** The token's `sub`; `local` in open mode. */
  readonly subject: string;
  /** The tenant that this connection or request acts in. */
  readonly tenant: TenantId;
  /** All that the token allows, {@link tenant} among them. */
  readonly tenants: readonly TenantId[];
  readonly roles: ReadonlySet<Role>;
  /** ANDed to everything that the holder reads. */
  readonly filter: TagFilter;
  /** When the token ends; `Infinity` in open mode. */
  readonly expiresAt: Millis;
  /** When the token was issued; 0 where it does not say. */
  readonly issuedAt: Millis;
  /** The token's `jti`, where it has one. */
  readonly tokenId?: string;
  /** False in open mode, where nobody proved who they are. */
  readonly authenticated: boolean;
}
