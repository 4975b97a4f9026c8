import type { Principal, TenantId } from '../protocol/index.js';

type Who = Pick<Principal, 'tenant' | 'subject'>;

/** How many connections are open, of each tenant and of each subject of it. */
export class HeadCounts {
  readonly #tenants = new Map<TenantId, { count: number; readonly subjects: Map<string, number> }>();

  ofTenant(tenant: TenantId): number {
    return this.#tenants.get(tenant)?.count ?? 0;
  }

  ofSubject({ tenant, subject }: Who): number {
    return this.#tenants.get(tenant)?.subjects.get(subject) ?? 0;
  }

  add({ tenant, subject }: Who): void {
    let heads = this.#tenants.get(tenant);
    if (!heads) this.#tenants.set(tenant, (heads = { count: 0, subjects: new Map<string, number>() }));
    heads.count++;
    heads.subjects.set(subject, (heads.subjects.get(subject) ?? 0) + 1);
  }

  /** Only for one that was added. */
  remove({ tenant, subject }: Who): void {
    const heads = this.#tenants.get(tenant)!;
    const left = heads.subjects.get(subject)! - 1;
    if (left > 0) heads.subjects.set(subject, left);
    else heads.subjects.delete(subject);
    if (--heads.count === 0) this.#tenants.delete(tenant);
  }
}
