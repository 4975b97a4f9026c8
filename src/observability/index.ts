import { GatewayFeed } from './gateway.feed.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { PulseMeter } from './pulse-meter.js';
import { RecentCensus } from './recent-census.js';
import { ServiceMetrics } from './service-metrics.js';

export { METRICS_ENDPOINT_OPTIONS } from './metrics.controller.js';

export const observabilityControllers = [HealthController, MetricsController];
export const observabilityProviders = [PulseMeter, RecentCensus, ServiceMetrics, GatewayFeed];
