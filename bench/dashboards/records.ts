import type { ServerProcess } from '../harness/measured-process.js';
import { record } from '../harness/metricast-server.js';
import { signToken } from '../harness/token.js';

export const SKILLS = Array.from({ length: 10 }, (_, index) => `skill-${index}`);
export const TOOLS = ['claude-code', 'cursor', 'codex', 'windsurf'];
export const SHOPS = ['north', 'south', 'east', 'west'];
export const AGENTS = ['writer', 'reviewer', 'tester', 'planner'];
export const PRIORITIES = ['low', 'medium', 'high', 'critical'];
/** Channels that exist because something was recorded in them. */
export const RECORDED = ['orders.metrics', 'requests.metrics', 'jobs.metrics'];

const STRATEGIES = ['hybrid', 'complexity', 'cost'];
const PROVIDERS = ['gemini', 'claude', 'cerebras', 'openrouter'];
const DAY_MILLIS = 86_400_000;

/** How much each tenant has of each before anybody looks. */
export const HISTORY = {
  skills: 2000,
  usage: 500,
  decisions: 1000,
  executions: 500,
  alerts: 50,
  metrics: 600,
} as const;

type Kind = keyof typeof HISTORY;

const of = <T>(list: readonly T[], index: number): T => list[index % list.length]!;

/** One item of each kind; numbers that differ, so that no two are alike. */
const ITEM: Readonly<Record<Kind, (index: number, at: number) => object>> = {
  skills: (index, at) => ({
    skill_name: of(SKILLS, index),
    completed: index % 11 !== 0,
    duration_seconds: ((index * 7919) % 1000) / 100,
    timestamp: at,
  }),
  usage: (index, at) => ({
    tool_id: of(TOOLS, index),
    session_id: `session-${index % 20}`,
    ...(index % 2 === 0
      ? { kind: 'embedding', count: 3, cache_hits: 2 }
      : { kind: 'compression', original_tokens: 1000, compressed_tokens: 300 }),
    timestamp: at,
  }),
  decisions: (index, at) => ({
    strategy: of(STRATEGIES, index),
    provider: of(PROVIDERS, index),
    confidence: ((index * 37) % 100) / 100,
    cost: (index % 50) / 10_000,
    timestamp: at,
  }),
  executions: (index, at) => ({
    run_id: `run-${index}`,
    agent_id: of(AGENTS, index),
    kind: index % 3 === 0 ? 'workflow' : 'agent',
    tool_id: of(TOOLS, index),
    status: index % 9 === 0 ? 'failed' : 'completed',
    runtime_seconds: 1 + (index % 60),
    credits_consumed: 0.1,
    timestamp: at,
  }),
  alerts: (index, at) => ({
    type: 'budget',
    message: 'The budget is used up',
    priority: of(PRIORITIES, index),
    timestamp: at,
  }),
  metrics: (index, at) => ({
    channel: of(RECORDED, index),
    name: `value.${index % 2}`,
    type: 'gauge',
    value: ((index * 7919) % 1000) / 10,
    tags: { shop: of(SHOPS, index), region: 'eu-west-1' },
    timestamp: at,
  }),
};

/** What a tenant's own systems record. */
export class Recordings {
  readonly #token: string;
  #next = 1_000_000;

  constructor(
    private readonly server: ServerProcess,
    tenant: string,
  ) {
    this.#token = signToken('recorder', tenant, ['ingest']);
  }

  /** All that there is before anybody looks, evenly over the last day. */
  async history(): Promise<void> {
    const begin = Date.now() - DAY_MILLIS;
    for (const kind of Object.keys(HISTORY) as Kind[]) {
      const count = HISTORY[kind];
      const at = (index: number) => (begin + (index * DAY_MILLIS) / count) / 1000;
      const items = Array.from({ length: count }, (_, index) => ITEM[kind](index, at(index)));
      await record(this.server, kind, items, this.#token);
    }
  }

  /** What a second brings: a point for each recorded channel, and one item of another kind, each kind in turn. */
  async second(): Promise<void> {
    const index = this.#next++;
    const now = Date.now() / 1000;
    const points = RECORDED.map((_, offset) => ITEM.metrics(index * RECORDED.length + offset, now));
    const kind = of(['skills', 'usage', 'decisions', 'executions', 'skills', 'alerts'] as const, index);
    await Promise.all([
      record(this.server, 'metrics', points, this.#token),
      record(this.server, kind, [ITEM[kind](index, now)], this.#token),
    ]);
  }
}
