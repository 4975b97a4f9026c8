import type { Millis, TenantId } from '../protocol/index.js';
import type { InsertRows } from './statement.js';

/** A change that somebody is about to make. */
export interface Change {
  /** The subject who makes it. */
  readonly actor: string;
  /** Absent for what is no tenant's. */
  readonly tenant?: TenantId;
  /** `settings.change`, `profile.delete`, … */
  readonly action: string;
  /** As the wire shows it; null for what is not there. Holds no secret. */
  readonly before: object | null;
  readonly after: object | null;
}

/** Writes the change down: to be yielded by the write that makes it, so that there is none without the other. */
export function auditOf({ actor, tenant, action, before, after }: Change, now: Millis): InsertRows {
  const json = (value: object | null) => (value === null ? null : JSON.stringify(value));
  return {
    into: 'metricast_audit',
    columns: ['at', 'actor', 'tenant_id', 'action', 'before', 'after'],
    rows: [[now, actor, tenant ?? null, action, json(before), json(after)]],
  };
}
