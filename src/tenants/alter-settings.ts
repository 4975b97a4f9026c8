import { inCamelCase, parseOrigin } from '../protocol/index.js';
import type { OwnSettings } from './effective-settings.js';
import type { SettingsDto } from './settings.dto.js';

/** What is set once a change was made: what is absent stays as it was, what is null is not set any more. */
export function alterSettings(before: OwnSettings, dto: SettingsDto): OwnSettings {
  return {
    metricsStreaming: altered(before.metricsStreaming, dto.metrics_streaming),
    collectionIntervalSeconds: altered(before.collectionIntervalSeconds, dto.collection_interval_seconds),
    maxEventsPerMinute: altered(before.maxEventsPerMinute, dto.max_events_per_minute),
    features: alteredPart(before.features, dto.features),
    performanceProfile: altered(before.performanceProfile, dto.performance_profile),
    limits: alteredPart(before.limits, dto.limits && inCamelCase(dto.limits)),
    retentionDays: altered(before.retentionDays, dto.retention_days),
    allowedOrigins: altered(before.allowedOrigins, dto.allowed_origins && dto.allowed_origins.map(asBrowsersWrite)),
  };
}

/** `*` is left as it is. */
function asBrowsersWrite(origin: string): string {
  return parseOrigin(origin) ?? origin;
}

function altered<T>(before: T | null, change: T | null | undefined): T | null {
  return change === undefined ? before : change;
}

/** As for the settings themselves, one level down. */
function alteredPart<T extends object>(before: T | null, change: object | null | undefined): T | null {
  if (change === undefined || change === null) return altered(before, change);
  const changes = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const set = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null);
  return set.length === 0 ? null : (Object.fromEntries(set) as T);
}
