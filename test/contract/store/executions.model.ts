import { binOf } from '../../../src/feeds/executions/runtime-sketch.js';
import type { ExecutionInput, Totals } from '../../../src/feeds/executions/index.js';

/** An execution as it is to be stored. */
export interface ModelRun {
  readonly run_id: string;
  readonly agent_id: string;
  readonly user_id: string | null;
  readonly kind: string | null;
  readonly tool_id: string | null;
  readonly session_id: string | null;
  status: string;
  started_at: number | null;
  completed_at: number | null;
  success: boolean | null;
  runtime_seconds: number | null;
  credits_consumed: number | null;
}

/** The executions of one tenant, taken item by item, and counted by looking at all of them. */
export class ModelExecutions {
  readonly runs = new Map<string, ModelRun>();
  readonly events: object[] = [];
  readonly #ids = new Set<string>();

  take(item: ExecutionInput): void {
    if (item.id !== undefined) {
      if (this.#ids.has(item.id)) return;
      this.#ids.add(item.id);
    }
    const known = this.runs.get(item.run_id);
    if (item.status === 'started') {
      if (!known) this.#start(item);
    } else if (!known || known.status === 'started') {
      this.#end(item);
    }
  }

  totals(kind: string, toolIds?: readonly string[], sessionIds?: readonly string[]): Totals {
    const own = [...this.runs.values()].filter(
      (run) =>
        (kind === '' || run.kind === null || run.kind === kind) &&
        (!toolIds || toolIds.includes(run.tool_id!)) &&
        (!sessionIds || sessionIds.includes(run.session_id!)),
    );
    const sum = (of: (run: ModelRun) => number | null) => own.reduce((all, run) => all + (of(run) ?? 0), 0);
    return {
      total: own.length,
      successful: own.filter(({ success }) => success === true).length,
      failed: own.filter(({ success }) => success === false).length,
      timed: own.filter(({ runtime_seconds }) => runtime_seconds !== null).length,
      runtime: sum(({ runtime_seconds }) => runtime_seconds),
      credits: sum(({ credits_consumed }) => credits_consumed),
    };
  }

  /** How many runtimes of a kind, or of none, are in each bin. */
  bins(kind: string): Map<number, number> {
    const bins = new Map<number, number>();
    for (const run of this.runs.values()) {
      if (run.runtime_seconds === null || (run.kind ?? '') !== kind) continue;
      const bin = binOf(run.runtime_seconds);
      bins.set(bin, (bins.get(bin) ?? 0) + 1);
    }
    return bins;
  }

  #start(item: ExecutionInput): void {
    const run = { ...newRun(item), status: 'started', started_at: at(item) };
    this.runs.set(item.run_id, run);
    const { agent_id, run_id, user_id } = run;
    this.#happened('execution_started', run, item, { agent_id, run_id, user_id, started_at: iso(item) });
  }

  #end(item: ExecutionInput): void {
    const run = this.runs.get(item.run_id) ?? newRun(item);
    const elapsed = run.started_at === null ? null : (at(item) - run.started_at) / 1000;
    run.status = item.status;
    run.completed_at = at(item);
    run.success = item.status === 'completed' && item.success !== false;
    run.runtime_seconds = item.runtime_seconds ?? (elapsed !== null && elapsed >= 0 && elapsed <= 1e9 ? elapsed : null);
    run.credits_consumed = item.credits_consumed ?? null;
    this.runs.set(item.run_id, run);
    const { agent_id, run_id, success, runtime_seconds, credits_consumed } = run;
    const data = { agent_id, run_id, success, runtime_seconds, credits_consumed, completed_at: iso(item) };
    this.#happened('execution_completed', run, item, data);
  }

  #happened(type: string, run: ModelRun, item: ExecutionInput, data: object): void {
    const { agent_id, kind, session_id, tool_id, user_id } = run;
    const tags = Object.fromEntries(
      Object.entries({ agent_id, kind, session_id, tool_id, user_id }).filter(([, value]) => value !== null),
    );
    this.events.push({ channel: 'executions.events', type, timestamp: at(item), tags, data });
  }
}

function newRun(item: ExecutionInput): ModelRun {
  return {
    run_id: item.run_id,
    agent_id: item.agent_id,
    user_id: item.user_id ?? null,
    kind: item.kind ?? null,
    tool_id: item.tool_id ?? null,
    session_id: item.session_id ?? null,
    status: '',
    started_at: null,
    completed_at: null,
    success: null,
    runtime_seconds: null,
    credits_consumed: null,
  };
}

function at({ timestamp }: ExecutionInput): number {
  return Math.round((timestamp as number) * 1000);
}

function iso(item: ExecutionInput): string {
  return new Date(at(item)).toISOString();
}
