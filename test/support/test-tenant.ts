import { type Answer, type TestApp, tokenWith } from './app.js';
import { ChannelsClient, type Encoding } from './channels-client.js';
import { SseClient } from './sse-client.js';
import { WireClient } from './wire-client.js';
import { WorkspaceClient } from './workspace-client.js';

let count = 0;

/** A tenant that no other test knows, on a server that wants tokens: what it records and watches is its own. */
export class TestTenant {
  readonly id = `tenant-${++count}`;

  constructor(private readonly app: TestApp) {}

  /** A token of this tenant, for reading and recording where the claims say nothing else. */
  token(claims: Record<string, unknown> = {}): string {
    return tokenWith({ tenant_id: this.id, sub: `ada of ${this.id}`, ...claims });
  }

  /** Posts to `/ingest/…`. */
  record(
    what: 'metrics' | 'skills' | 'usage' | 'decisions' | 'executions' | 'alerts',
    items: unknown,
    token = this.token(),
  ): Promise<Answer> {
    return this.app.post(`/ingest/${what}`, items, { authorization: `Bearer ${token}` });
  }

  /** Brings channels into being, by a first value in each. */
  async create(...channels: string[]): Promise<void> {
    const answer = await this.record(
      'metrics',
      channels.map((channel) => gauge(channel)),
    );
    if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
  }

  /** A client of the `channels` dialect, greeted. */
  watch(encoding: Encoding = 'JSON', token = this.token()): Promise<ChannelsClient> {
    return ChannelsClient.open(this.app.url(`/ws/metrics?token=${token}`, 'ws'), encoding);
  }

  /** A client of the `skills` dialect, greeted. */
  async watchSkills(token = this.token()): Promise<WireClient> {
    const client = await WireClient.open(this.app.url(`/ws/skills?token=${token}`, 'ws'));
    await client.next({ type: 'connected' });
    return client;
  }

  /** A client of the `workspace` dialect, greeted. */
  watchWorkspace(token = this.token()): Promise<WorkspaceClient> {
    return WorkspaceClient.open(this.app.url(`/ws?token=${token}`, 'ws'));
  }

  /** A client of the `tools` dialect, not greeted yet. */
  watchTools(query = '', token = this.token()): Promise<WireClient> {
    return WireClient.open(this.app.url(`/ws/tools?token=${token}&${query}`, 'ws'));
  }

  /** A client of the `routing` dialect. */
  watchRouting(token = this.token()): Promise<WireClient> {
    return WireClient.open(this.app.url(`/ws/routing?token=${token}`, 'ws'));
  }

  /** A stream of server-sent events, of what this query asks for. */
  stream(query = '', token = this.token()): Promise<SseClient> {
    return SseClient.open(this.app.url(`/stream/metrics?token=${token}&${query}`));
  }
}

/** A value for `POST /ingest/metrics`. */
export function gauge(channel: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { channel, name: 'level', type: 'gauge', value: 1, ...fields };
}

/** A run for `POST /ingest/skills`. */
export function run(skill: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { skill_name: skill, completed: true, ...fields };
}

/** An end of an execution for `POST /ingest/executions`. */
export function completion(runId: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { run_id: runId, agent_id: 'agent-1', status: 'completed', ...fields };
}

/** A piece of work for `POST /ingest/usage`. */
export function usage(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { tool_id: 'claude-code', kind: 'embedding', ...fields };
}

/** A decision for `POST /ingest/decisions`. */
export function decision(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { strategy: 'hybrid', provider: 'gemini', confidence: 0.5, cost: 0.001, ...fields };
}

/** An alert for `POST /ingest/alerts`. */
export function alert(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { type: 'budget', message: 'over budget', priority: 'high', ...fields };
}
