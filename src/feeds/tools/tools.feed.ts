import { Inject, Injectable, Logger } from '@nestjs/common';
import { type CollectContext, type CollectedState, CollectMetrics } from '../../metrics/index.js';
import { type SampleType, TOOLS_METRICS, describeThrown } from '../../protocol/index.js';
import { type Figures, type Section, SourceError, type View } from './section.js';

export const TOOLS_SECTIONS = Symbol('metricast.tools-sections');

const HEALTHY = { status: 'healthy' };

/** The figures of the sections, as points. Those that are null have none. */
const POINTS: Readonly<Record<string, SampleType>> = {
  'embeddings.mlx_metrics.total_embeddings': 'counter',
  'embeddings.mlx_metrics.cache_hits': 'counter',
  'embeddings.mlx_metrics.cache_hit_rate': 'gauge',
  'compression.metrics.total_compressions': 'counter',
  'compression.metrics.total_tokens_saved': 'counter',
  'compression.metrics.overall_compression_ratio': 'gauge',
  'workflows.metrics.total': 'counter',
  'workflows.metrics.successful': 'counter',
  'workflows.metrics.failed': 'counter',
  'workflows.metrics.success_rate': 'gauge',
  'response_cache.metrics.hits': 'counter',
  'response_cache.metrics.misses': 'counter',
  'response_cache.metrics.hit_rate': 'gauge',
};

/** The state of `tools.metrics`: a section for each kind of work, of all tools and sessions or of the named ones. */
@Injectable()
export class ToolsFeed {
  readonly #logger = new Logger(ToolsFeed.name);
  /** Names of the sections that failed when they were last read: that is logged once, and not at each tick. */
  readonly #failing = new Set<string>();

  constructor(@Inject(TOOLS_SECTIONS) private readonly sections: readonly Section[]) {}

  @CollectMetrics(TOOLS_METRICS, { dimensions: ['tool_id', 'session_id'], points: POINTS })
  async collect({ tenant, filter, features }: CollectContext): Promise<CollectedState> {
    const view: View = { tenant, toolIds: filter['tool_id'], sessionIds: filter['session_id'] };
    const sections = this.sections.filter(({ name }) => features[name]);
    const shown = sections.map(async (section) => [section.name, await this.#show(section, view)] as const);
    return Object.fromEntries(await Promise.all(shown));
  }

  async #show(section: Section, view: View): Promise<Figures> {
    try {
      const figures = await section.read(view);
      this.#failing.delete(section.name);
      // In the first place, and whatever a service says of its own.
      return { ...HEALTHY, ...figures, ...HEALTHY };
    } catch (error) {
      return { status: 'unavailable', error: this.#reasonOf(error, section), ...section.unknown };
    }
  }

  #reasonOf(error: unknown, { name }: Section): string {
    if (error instanceof SourceError) return error.message;
    if (!this.#failing.has(name)) this.#logger.error(`${name} cannot be read: ${describeThrown(error)}`);
    this.#failing.add(name);
    return 'its figures cannot be read now';
  }
}
