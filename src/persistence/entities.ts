import { StoredRevocation } from '../auth/index.js';
import { FEEDS } from '../feeds/index.js';
import { KnownEventType } from '../store/event-type.entity.js';
import { StoredEvent } from '../store/event.entity.js';
import { MetricPoint } from '../store/metric-point.entity.js';
import { MetricSeries } from '../store/metric-series.entity.js';
import { AuditEntry } from '../store/audit-entry.entity.js';
import { RecordedId } from '../store/recorded-id.entity.js';
import { Rollup } from '../store/rollup.entity.js';
import { PerformanceProfile, TenantSettings } from '../tenants/index.js';

/** Everything that has a table. */
export const ENTITIES = [
  RecordedId,
  TenantSettings,
  PerformanceProfile,
  AuditEntry,
  StoredRevocation,
  MetricSeries,
  MetricPoint,
  Rollup,
  StoredEvent,
  KnownEventType,
  ...FEEDS.flatMap(({ entities = [] }) => entities),
];
