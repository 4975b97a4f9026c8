import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, LessThan, Repository } from 'typeorm';
import type { TenantId } from '../protocol/index.js';
import type { PageRequest } from '../rest/index.js';
import { AuditEntry } from '../store/audit-entry.entity.js';
import { DATA_SOURCE } from '../store/index.js';

/** Where an entry stands in the log. */
export type AuditKey = number;

/** Reads who has changed what. */
@Injectable()
export class AuditQueries {
  constructor(@InjectRepository(AuditEntry, DATA_SOURCE) private readonly entries: Repository<AuditEntry>) {}

  /**
   * The newest first; one more than the page's limit where there are more.
   *
   * @param tenants absent: all entries, those too that are no tenant's.
   */
  list(tenants: readonly TenantId[] | undefined, { limit, after }: PageRequest<AuditKey>): Promise<AuditEntry[]> {
    return this.entries.find({
      where: {
        ...(tenants && { tenantId: In([...tenants]) }),
        ...(after !== undefined && { id: LessThan(after) }),
      },
      order: { id: 'DESC' },
      take: limit + 1,
    });
  }
}

export function isAuditKey(value: unknown): value is AuditKey {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** PostgreSQL's driver reads big numbers as texts. */
export function keyOfEntry({ id }: AuditEntry): AuditKey {
  return Number(id);
}
