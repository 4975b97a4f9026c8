import { ingestController } from '../../recording/index.js';
import { ExecutionTotals } from '../executions/index.js';
import { toolsSections } from './sections.js';
import { ToolTotal } from './tool-total.entity.js';
import { ToolUsage } from './tool-usage.entity.js';
import { TOOLS_SECTIONS, ToolsFeed } from './tools.feed.js';
import { UpstreamCounter } from './upstream-counter.entity.js';
import { UpstreamCounters } from './upstream-counters.js';
import { Upstreams } from './upstreams.js';
import { UsageTotals } from './usage-totals.js';
import { UsageRecorder } from './usage.recorder.js';

export { UPSTREAM_URL_FORM, isUpstreamUrl } from './upstream-url.js';
export { UPSTREAM_NAMES, UPSTREAM_OPTIONS, type UpstreamUrls } from './upstreams.js';
export { UsageRecorder } from './usage.recorder.js';
export { type UsageInput, type UsageKind } from './usage.js';

/** The feed of `tools.metrics`. */
export const toolsFeed = {
  entities: [ToolUsage, ToolTotal, UpstreamCounter],
  logs: [{ table: 'metricast_tool_usage', number: 'usage_id', at: 'at' }],
  providers: [
    UsageRecorder,
    UsageTotals,
    UpstreamCounters,
    Upstreams,
    { provide: TOOLS_SECTIONS, inject: [UsageTotals, ExecutionTotals, Upstreams], useFactory: toolsSections },
    ToolsFeed,
  ],
  controllers: [ingestController('usage', UsageRecorder)],
  exports: [UsageRecorder],
};
