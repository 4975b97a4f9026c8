import type { ExecutionTotals } from '../executions/index.js';
import type { Section } from './section.js';
import type { UpstreamPoller } from './upstream.poller.js';
import type { UpstreamName } from './upstreams.js';
import type { UsageTotals } from './usage-totals.js';

/** All sections of the state. */
export function toolsSections(
  usage: UsageTotals,
  executions: ExecutionTotals,
  upstreams: { get(name: UpstreamName): UpstreamPoller | undefined },
): readonly Section[] {
  return [
    upstreamSection(embeddingsSection(usage), upstreams.get('embeddings')),
    upstreamSection(compressionSection(usage), upstreams.get('compression')),
    workflowsSection(executions),
    responseCacheSection(usage),
  ];
}

function embeddingsSection(usage: UsageTotals): Section {
  return {
    name: 'embeddings',
    unknown: { mlx_metrics: { total_embeddings: null, cache_hits: null, cache_hit_rate: null } },
    async read(view) {
      const { count, cache_hits } = await usage.read(view, 'embedding');
      return { mlx_metrics: { total_embeddings: count, cache_hits, cache_hit_rate: rate(cache_hits, count) } };
    },
  };
}

function compressionSection(usage: UsageTotals): Section {
  return {
    name: 'compression',
    unknown: { metrics: { total_compressions: null, total_tokens_saved: null, overall_compression_ratio: null } },
    async read(view) {
      const { count, tokens_saved, original_tokens } = await usage.read(view, 'compression');
      return {
        metrics: {
          total_compressions: count,
          total_tokens_saved: tokens_saved,
          overall_compression_ratio: rate(tokens_saved, original_tokens),
        },
      };
    },
  };
}

function workflowsSection(executions: ExecutionTotals): Section {
  return {
    name: 'workflows',
    unknown: { metrics: { total: null, successful: null, failed: null, success_rate: null } },
    async read({ tenant, toolIds, sessionIds }) {
      const scope = { ...(toolIds && { toolIds }), ...(sessionIds && { sessionIds }) };
      const { total, successful, failed } = await executions.totals(tenant, 'workflow', scope);
      // Of those that ended: what still runs has not failed.
      return { metrics: { total, successful, failed, success_rate: rate(successful, successful + failed) } };
    },
  };
}

function responseCacheSection(usage: UsageTotals): Section {
  return {
    name: 'response_cache',
    unknown: { metrics: { hits: null, misses: null, hit_rate: null } },
    async read(view) {
      const { hits, misses } = await usage.read(view, 'response_cache');
      return { metrics: { hits, misses, hit_rate: rate(hits, hits + misses) } };
    },
  };
}

/**
 * The section as an upstream service shows it, where there is one. The service cannot tell its tools and sessions
 * apart: a view of some of them has the recorded usage.
 */
function upstreamSection(recorded: Section, upstream: UpstreamPoller | undefined): Section {
  if (!upstream) return recorded;
  return {
    ...recorded,
    async read(view) {
      return view.toolIds || view.sessionIds ? recorded.read(view) : upstream.latest();
    },
  };
}

/** 0 to 1 with 6 decimals, null of nothing. Not above 1, whatever was recorded: a client may report a part alone. */
function rate(part: number, whole: number): number | null {
  return whole > 0 ? Number(Math.min(1, part / whole).toFixed(6)) : null;
}
