import type { Millis, TenantId } from '../protocol/index.js';
import type { Write } from './statement.js';

/** An item that may bear an id of its client's. */
export interface Identified {
  readonly id?: string;
}

/**
 * Those of the items that were not recorded before: all without an id, and each id's first. Its ids count as recorded
 * from here on, if the transaction commits.
 */
export function* claimIds<T extends Identified>(
  kind: string,
  tenant: TenantId,
  items: readonly T[],
  now: Millis,
): Write<T[]> {
  const ids = [...new Set(items.map(({ id }) => id).filter((id) => id !== undefined))].sort();
  if (ids.length === 0) return [...items];
  const claimed = yield {
    into: 'metricast_recorded_id',
    columns: ['tenant_id', 'kind', 'id', 'recorded_at'],
    rows: ids.map((id) => [tenant, kind, id, now]),
    onConflict: 'ON CONFLICT (tenant_id, kind, id) DO NOTHING',
    returning: ['id'],
  };
  const unused = new Set(claimed.map(({ id }) => id as string));
  // Deleting makes the second item of an id within one request a repeat, too.
  return items.filter(({ id }) => id === undefined || unused.delete(id));
}
