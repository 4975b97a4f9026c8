import type { Millis, TenantId } from '../../protocol/index.js';
import type { Row, SqlValue, Write } from '../../store/index.js';
import { type ExecutionItem, MAX_RUNTIME_SECONDS } from './execution-item.js';

/** A step that an execution really took: that it started, or ended. */
export interface Step {
  /** As it was said when the execution was first seen. */
  readonly run: Run;
  readonly at: Millis;
  /** Whether nothing was known of the execution before. */
  readonly isFirst: boolean;
  /** How it ended; absent where it started. */
  readonly end?: End;
}

export interface Run {
  readonly run_id: string;
  readonly agent_id: string;
  readonly user_id: string | null;
  readonly kind: 'workflow' | 'agent' | null;
  readonly tool_id: string | null;
  readonly session_id: string | null;
}

export interface End {
  readonly success: boolean;
  readonly runtime: number | null;
  readonly credits: number | null;
}

const RUN_COLUMNS = ['run_id', 'agent_id', 'user_id', 'kind', 'tool_id', 'session_id'] as const;

/**
 * Starts and ends executions as the items say. Returns what really happened, in the order of the items: an execution
 * starts at most once, and ends at most once.
 */
export function* takeSteps(tenant: TenantId, items: readonly ExecutionItem[]): Write<Step[]> {
  const starts = new Map<string, ExecutionItem>();
  const ends = new Map<string, ExecutionItem>();
  for (const item of items) {
    // After its end nothing happens to an execution.
    if (ends.has(item.run_id)) continue;
    const same = item.status === 'started' ? starts : ends;
    if (!same.has(item.run_id)) same.set(item.run_id, item);
  }
  const steps = new Map<ExecutionItem, Step>();
  for (const { run_id } of yield* start(tenant, inOrder(starts))) {
    const item = starts.get(run_id as string)!;
    steps.set(item, { run: runOf(item), at: item.timestamp, isFirst: true });
  }
  for (const row of yield* end(tenant, inOrder(ends))) {
    const item = ends.get(row['run_id'] as string)!;
    steps.set(item, endingOf(item, row));
  }
  return items.flatMap((item) => steps.get(item) ?? []);
}

/** Returns the rows of those that were not known before. */
function* start(tenant: TenantId, items: readonly ExecutionItem[]): Write<Row[]> {
  if (items.length === 0) return [];
  return yield {
    into: 'metricast_execution',
    columns: ['tenant_id', ...RUN_COLUMNS, 'status', 'started_at'],
    rows: items.map((item) => [tenant, ...runColumnsOf(item), item.status, item.timestamp]),
    onConflict: 'ON CONFLICT (tenant_id, run_id) DO NOTHING',
    returning: ['run_id'],
  };
}

/** Returns the rows of those that ended by it. Where clocks disagree the time between start and end says nothing. */
function* end(tenant: TenantId, items: readonly ExecutionItem[]): Write<Row[]> {
  if (items.length === 0) return [];
  return yield {
    into: 'metricast_execution',
    columns: ['tenant_id', ...RUN_COLUMNS, 'status', 'completed_at', 'success', 'runtime_seconds', 'credits_consumed'],
    rows: items.map((item) => [
      tenant,
      ...runColumnsOf(item),
      item.status,
      item.timestamp,
      hasSucceeded(item),
      item.runtime_seconds ?? null,
      item.credits_consumed ?? null,
    ]),
    onConflict: `ON CONFLICT (tenant_id, run_id) DO UPDATE SET
      status = excluded.status,
      completed_at = excluded.completed_at,
      success = excluded.success,
      runtime_seconds = COALESCE(excluded.runtime_seconds,
        CASE WHEN excluded.completed_at - metricast_execution.started_at BETWEEN 0 AND ${MAX_RUNTIME_SECONDS * 1000}
             THEN (excluded.completed_at - metricast_execution.started_at) / 1000.0 END),
      credits_consumed = excluded.credits_consumed
      WHERE metricast_execution.status = 'started'`,
    returning: [...RUN_COLUMNS, 'started_at', 'runtime_seconds'],
  };
}

function endingOf(item: ExecutionItem, row: Row): Step {
  return {
    // The columns of an execution, whichever item brought them.
    run: Object.fromEntries(RUN_COLUMNS.map((column) => [column, row[column]])) as unknown as Run,
    at: item.timestamp,
    // An execution that is known has started: one that ended was not touched.
    isFirst: row['started_at'] === null,
    end: {
      success: hasSucceeded(item),
      runtime: row['runtime_seconds'] as number | null,
      credits: item.credits_consumed ?? null,
    },
  };
}

function hasSucceeded({ status, success = true }: ExecutionItem): boolean {
  return status === 'completed' && success;
}

function runOf(item: ExecutionItem): Run {
  const { run_id, agent_id, user_id = null, kind = null, tool_id = null, session_id = null } = item;
  return { run_id, agent_id, user_id, kind, tool_id, session_id };
}

function runColumnsOf(item: ExecutionItem): SqlValue[] {
  const run = runOf(item);
  return RUN_COLUMNS.map((column) => run[column]);
}

/** All writers sort alike, or PostgreSQL would deadlock. */
function inOrder(items: ReadonlyMap<string, ExecutionItem>): ExecutionItem[] {
  return [...items.values()].sort((one, other) => (one.run_id < other.run_id ? -1 : 1));
}
