import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, Repository } from 'typeorm';
import { type FieldError, MetricastError, type SettingsReason, type TenantId } from '../protocol/index.js';
import { inSnakeCase } from '../rest/index.js';
import { type Change, DATA_SOURCE, type Row, type SqlValue, type Write, WriteQueue, auditOf } from '../store/index.js';
import { NOTHING_SET, type OwnSettings } from './effective-settings.js';
import { BUILT_IN_PROFILES, DEFAULT_PROFILE } from './performance-profile.js';
import { TenantRegistry } from './tenant-registry.js';
import { TenantSettings } from './tenant-settings.entity.js';
import { type StoredSettings, Tenants } from './tenants.js';

const COLUMNS: Readonly<Record<keyof OwnSettings, string>> = {
  metricsStreaming: 'metrics_streaming',
  collectionIntervalSeconds: 'collection_interval_seconds',
  maxEventsPerMinute: 'max_events_per_minute',
  features: 'features',
  performanceProfile: 'performance_profile',
  limits: 'limits',
  retentionDays: 'retention_days',
  allowedOrigins: 'allowed_origins',
};
const FIELDS = Object.keys(COLUMNS) as (keyof OwnSettings)[];
/** Hold JSON. */
const JSON_FIELDS: ReadonlySet<string> = new Set([
  'features',
  'limits',
  'allowedOrigins',
] satisfies (keyof OwnSettings)[]);

/** What is wrong where a profile is named that does not exist. */
export const UNKNOWN_PROFILE: FieldError = { field: 'performance_profile', message: 'must be the name of a profile' };

/** How settings are changed: which change it is, and why those who are connected are told. */
export interface SettingsChange {
  readonly actor: string;
  readonly action: 'settings.replace' | 'settings.change' | 'settings.reset';
  /** What is to be set, given what is set now. */
  readonly alter: (before: OwnSettings) => OwnSettings;
}

/** Changes the settings of tenants. A change and its line in the audit log are committed together. */
@Injectable()
export class SettingsStore {
  constructor(
    @InjectRepository(TenantSettings, DATA_SOURCE) private readonly settings: Repository<TenantSettings>,
    private readonly queue: WriteQueue,
    private readonly tenants: Tenants,
    private readonly registry: TenantRegistry,
  ) {}

  /**
   * Acts on open connections once it is committed.
   *
   * @throws {@link MetricastError} `bad_request` where they name a profile that does not exist.
   */
  async change(tenant: TenantId, change: SettingsChange): Promise<StoredSettings> {
    // No tenant's, for the sake of the order: changes of profiles and of settings come one after another.
    const isChanged = await this.queue.write(2, () => changeOf(tenant, change));
    if (!isChanged) throw new MetricastError('bad_request', { errors: [UNKNOWN_PROFILE] });
    const stored = await this.settings.findOneByOrFail({ tenantId: tenant });
    // One that another instance has just made.
    if (!this.tenants.profile(stored.performanceProfile ?? DEFAULT_PROFILE)) await this.registry.renewProfiles();
    this.tenants.learn(stored, REASONS[change.action]);
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

const REASONS: Readonly<Record<SettingsChange['action'], SettingsReason>> = {
  'settings.replace': 'settings_changed',
  'settings.change': 'settings_changed',
  'settings.reset': 'settings_reset',
};

/** False where it cannot be: the profile does not exist. */
function* changeOf(tenant: TenantId, { actor, action, alter }: SettingsChange): Write<boolean> {
  const [row] = yield {
    sql: `SELECT ${Object.values(COLUMNS).join(', ')}, updated_at FROM metricast_tenant_settings WHERE tenant_id = $1`,
    values: [tenant],
  };
  const before = row ? ownOf(row) : NOTHING_SET;
  const after = alter(before);
  if (!(yield* profileExists(after.performanceProfile ?? DEFAULT_PROFILE))) return false;
  // Grows with each change, whatever the clock does: by it the other instances know which one is newer.
  const now = Math.max(Date.now(), Number(row?.['updated_at'] ?? 0) + 1);
  yield {
    into: 'metricast_tenant_settings',
    columns: ['tenant_id', 'created_at', 'updated_at', ...Object.values(COLUMNS)],
    rows: [[tenant, now, now, ...FIELDS.map((field) => columnValue(field, after))]],
    onConflict: `ON CONFLICT (tenant_id) DO UPDATE SET ${['updated_at', ...Object.values(COLUMNS)]
      .map((column) => `${column} = excluded.${column}`)
      .join(', ')}`,
  };
  const change: Change = { actor, tenant, action, before: wireOf(before), after: wireOf(after) };
  yield auditOf(change, now);
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

function ownOf(row: Row): OwnSettings {
  return Object.fromEntries(
    FIELDS.map((field) => [field, fieldValue(field, row[COLUMNS[field]])]),
  ) as unknown as OwnSettings;
}

/** SQLite knows no booleans, and neither database reads JSON from a text. */
function fieldValue(field: keyof OwnSettings, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (JSON_FIELDS.has(field)) return JSON.parse(value as string) as unknown;
  return field === 'metricsStreaming' ? Boolean(value) : value;
}

function columnValue(field: keyof OwnSettings, own: OwnSettings): SqlValue {
  const value = own[field];
  return value !== null && JSON_FIELDS.has(field) ? JSON.stringify(value) : (value as SqlValue);
}
