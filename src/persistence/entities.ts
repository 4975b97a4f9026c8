import { FEEDS } from '../feeds/index.js';
import { KnownEventType } from '../store/event-type.entity.js';
import { StoredEvent } from '../store/event.entity.js';
import { MetricPoint } from '../store/metric-point.entity.js';
import { MetricSeries } from '../store/metric-series.entity.js';
import { RecordedId } from '../store/recorded-id.entity.js';

/** Everything that has a table. */
export const ENTITIES = [
  RecordedId,
  MetricSeries,
  MetricPoint,
  StoredEvent,
  KnownEventType,
  ...FEEDS.flatMap(({ entities = [] }) => entities),
];
