import { skillsFeed } from '../feeds/skills/index.js';
import { MetricPoint } from '../store/metric-point.entity.js';
import { MetricSeries } from '../store/metric-series.entity.js';
import { RecordedId } from '../store/recorded-id.entity.js';

/** Everything that has a table. */
export const ENTITIES = [RecordedId, MetricSeries, MetricPoint, ...skillsFeed.entities] as const;
