import { type TenantId, inSnakeCase, isoTimestamp } from '../protocol/index.js';
import type { EffectiveSettings } from './effective-settings.js';
import { BUILT_IN_PROFILES, type Profile } from './performance-profile.js';
import type { StoredSettings } from './tenants.js';

/**
 * The settings of a tenant as the wire shows them: what applies, and where it comes from.
 *
 * @param stored absent where the tenant was never seen.
 */
export function settingsView(tenant: TenantId, applied: EffectiveSettings, stored?: StoredSettings) {
  const { mode, isStreaming, sources, ...values } = applied;
  const settings = inSnakeCase(values) as object;
  return {
    tenant_id: tenant,
    settings,
    effective: { ...settings, mode, streaming: isStreaming, sources: inSnakeCase(sources) },
    created_at: stored ? isoTimestamp(stored.createdAt) : null,
    updated_at: stored ? isoTimestamp(stored.updatedAt) : null,
  };
}

/** A performance profile as the wire shows it. */
export function profileView({ name, mode, description, ...pace }: Profile) {
  return {
    name,
    mode,
    collection_interval_seconds: pace.collectionIntervalSeconds,
    max_events_per_minute: pace.maxEventsPerMinute,
    description,
    built_in: BUILT_IN_PROFILES.has(name),
  };
}
