import type { Principal, TenantId } from '../protocol/index.js';
import type { Connection } from './connection.js';

type Who = Pick<Principal, 'tenant' | 'subject'>;

interface Heads {
  readonly connections: Set<Connection>;
  /** How many of them each subject has. */
  readonly subjects: Map<string, number>;
}

const NONE: ReadonlySet<Connection> = new Set();

/** The open connections of each tenant, and how many there are of each subject of it. */
export class HeadCounts {
  readonly #tenants = new Map<TenantId, Heads>();

  /** The open connections of a tenant, however many the others have. Those that are gone through may be closed. */
  connectionsOf(tenant: TenantId): ReadonlySet<Connection> {
    return this.#tenants.get(tenant)?.connections ?? NONE;
  }

  ofTenant(tenant: TenantId): number {
    return this.connectionsOf(tenant).size;
  }

  ofSubject({ tenant, subject }: Who): number {
    return this.#tenants.get(tenant)?.subjects.get(subject) ?? 0;
  }

  add(connection: Connection): void {
    const { tenant, subject } = connection.principal;
    let heads = this.#tenants.get(tenant);
    if (!heads) {
      heads = { connections: new Set<Connection>(), subjects: new Map<string, number>() };
      this.#tenants.set(tenant, heads);
    }
    heads.connections.add(connection);
    heads.subjects.set(subject, (heads.subjects.get(subject) ?? 0) + 1);
  }

  /** Only for one that was added, and is of the same subject and tenant still. */
  remove(connection: Connection): void {
    const { tenant, subject } = connection.principal;
    const heads = this.#tenants.get(tenant)!;
    heads.connections.delete(connection);
    const left = heads.subjects.get(subject)! - 1;
    if (left > 0) heads.subjects.set(subject, left);
    else heads.subjects.delete(subject);
    if (heads.connections.size === 0) this.#tenants.delete(tenant);
  }
}
