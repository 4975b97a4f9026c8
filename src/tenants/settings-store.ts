import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, Repository } from 'typeorm';
import { type FieldError, MetricastError, type TenantId, inSnakeCase } from '../protocol/index.js';
import { DATA_SOURCE, type Write, WriteQueue, auditOf } from '../store/index.js';
import { NOTHING_SET, type OwnSettings } from './effective-settings.js';
import { BUILT_IN_PROFILES, DEFAULT_PROFILE } from './performance-profile.js';
import { SettingsColumns } from './settings-columns.js';
import { TenantRegistry } from './tenant-registry.js';
import { TenantSettings } from './tenant-settings.entity.js';
import type { StoredSettings } from './tenants.js';

/** What is wrong where a profile is named that does not exist. */
export const UNKNOWN_PROFILE: FieldError = { field: 'performance_profile', message: 'must be the name of a profile' };

/** How settings are changed, and by whom. */
export interface SettingsChange {
  /** The subject who makes the change. */
  readonly actor: string;
  readonly action: 'settings.replace' | 'settings.change' | 'settings.reset';
  /** What is to be set, given what is set now. */
  readonly alter: (before: OwnSettings) => OwnSettings;
}

/** Changes the settings of tenants. A change and its line in the audit log are committed together. */
@Injectable()
export class SettingsStore {
  readonly #columns: SettingsColumns;

  constructor(
    @InjectRepository(TenantSettings, DATA_SOURCE) private readonly settings: Repository<TenantSettings>,
    private readonly queue: WriteQueue,
    private readonly registry: TenantRegistry,
  ) {
    this.#columns = new SettingsColumns(settings);
  }

  /**
   * Acts on open connections once it is committed.
   *
   * @throws {@link MetricastError} `bad_request` where they name a profile that does not exist.
   */
  async change(tenant: TenantId, change: SettingsChange): Promise<StoredSettings> {
    // No tenant's, for the sake of the order: changes of profiles and of settings come one after another.
    const isChanged = await this.queue.write(2, () => changeOf(this.#columns, tenant, change));
    if (!isChanged) throw new MetricastError('bad_request', { errors: [UNKNOWN_PROFILE] });
    const stored = await this.settings.findOneByOrFail({ tenantId: tenant });
    await this.registry.learn([stored]);
    return stored;
  }

  /** The tenants that were seen, by their names; one more than asked for, where there is one. */
  list(limit: number, after?: string): Promise<TenantSettings[]> {
    return this.settings.find({
      where: after === undefined ? {} : { tenantId: MoreThan(after) },
      order: { tenantId: 'ASC' },
      take: limit + 1,
    });
  }
}

/** False where it cannot be: the profile does not exist. */
function* changeOf(columns: SettingsColumns, tenant: TenantId, change: SettingsChange): Write<boolean> {
  const { actor, action, alter } = change;
  const [row] = yield {
    sql: `SELECT ${columns.names.join(', ')}, updated_at FROM metricast_tenant_settings WHERE tenant_id = $1`,
    values: [tenant],
  };
  const before = row ? columns.ownOf(row) : NOTHING_SET;
  const after = alter(before);
  if (!(yield* profileExists(after.performanceProfile ?? DEFAULT_PROFILE))) return false;
  const now = Date.now();
  // Grows with each change, whatever the clock does: by it the other instances know which one is newer.
  const version = Math.max(now, Number(row?.['updated_at'] ?? 0) + 1);
  yield {
    into: 'metricast_tenant_settings',
    columns: ['tenant_id', 'created_at', 'updated_at', ...columns.names],
    rows: [[tenant, now, version, ...columns.valuesOf(after)]],
    onConflict: `ON CONFLICT (tenant_id) DO UPDATE SET ${['updated_at', ...columns.names]
      .map((column) => `${column} = excluded.${column}`)
      .join(', ')}`,
  };
  yield auditOf({ actor, tenant, action, before: wireOf(before), after: wireOf(after) }, now);
  return true;
}

export function* profileExists(name: string): Write<boolean> {
  if (BUILT_IN_PROFILES.has(name)) return true;
  const found = yield { sql: 'SELECT name FROM metricast_performance_profile WHERE name = $1', values: [name] };
  return found.length > 0;
}

/** What is set, as the wire shows it; without what is not. */
function wireOf(own: OwnSettings): object {
  return inSnakeCase(Object.fromEntries(Object.entries(own).filter(([, value]) => value !== null))) as object;
}
