/**
 * The public API of Metricast: what is not exported here may change with any version.
 */
export { MetricastModule } from './metricast.module.js';
export { type MetricastOptions } from './metricast.options.js';

export {
  type CollectContext,
  type CollectedPoint,
  type CollectedState,
  CollectMetrics,
  type CollectMetricsOptions,
} from './metrics/index.js';

export { type MetricInput, MetricsRecorder, type RecordResult, type Rejection } from './recording/index.js';
export { type HistoryInput, type HistoryPageInput, MetricsHistory } from './store/index.js';
export { type AlertInput, AlertsRecorder } from './feeds/alerts/index.js';
export { type EventInput, EventsService, type ExecutionCompletion, type ExecutionStart } from './feeds/events/index.js';
export { type ExecutionInput, ExecutionsRecorder } from './feeds/executions/index.js';
export { type DecisionInput, DecisionsRecorder } from './feeds/routing/index.js';
export { type AnomalyThresholds, type SkillInvocationInput, SkillsRecorder } from './feeds/skills/index.js';
export { type UpstreamUrls, type UsageInput, type UsageKind, UsageRecorder } from './feeds/tools/index.js';

export { DatabaseOpenError } from './persistence/index.js';
export { type AuthOptions, type JwtAlgorithm } from './auth/index.js';
export { type LimitOptions, type TrustProxy } from './limits/index.js';
export { type DialectName } from './dialects/index.js';
export {
  CLOSE,
  FEATURES,
  type Close,
  ERRORS,
  type ErrorCode,
  type ErrorDetails,
  type ErrorKind,
  type Event,
  type Feature,
  type Features,
  type FieldError,
  type HistoryPage,
  type Resolution,
  type Role,
  type Sample,
  type SampleType,
  type TagFilter,
  type TenantId,
  MetricastError,
} from './protocol/index.js';
