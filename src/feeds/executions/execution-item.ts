import {
  type BadItem,
  boolean,
  number,
  oneOf,
  optional,
  type readItem,
  text,
  timestamp,
} from '../../recording/index.js';

/** That an execution started or ended, as `POST /ingest/executions` takes it too. */
export interface ExecutionInput {
  /**
   * The execution. What was said of it first holds: its agent, its user, its kind, its tool and its session. A second
   * start or a second end of it is accepted and changes nothing; an end without a start counts as an execution too.
   */
  readonly run_id: string;
  readonly agent_id: string;
  readonly user_id?: string;
  readonly status: 'started' | 'completed' | 'failed';
  /** Of an end. Default: true for `completed`; always false for `failed`. */
  readonly success?: boolean;
  /** Of an end, 0 to 1e9. Absent: the time since the start, where that is known. */
  readonly runtime_seconds?: number;
  /** Of an end, 0 to 1e12. */
  readonly credits_consumed?: number;
  /** What was executed. Absent: it counts both as a workflow and as an agent's, and once among all executions. */
  readonly kind?: 'workflow' | 'agent';
  readonly tool_id?: string;
  readonly session_id?: string;
  /** When it started or ended: ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly timestamp?: string | number;
  /** Makes the item idempotent: a second one with this id within 24 hours is accepted and not looked at. */
  readonly id?: string;
}

/** Thirty years. */
export const MAX_RUNTIME_SECONDS = 1e9;
/** Without a limit a single execution could bring the sum of all to infinity. */
const MAX_CREDITS = 1e12;

export const EXECUTION_FIELDS = {
  id: optional(text(200)),
  run_id: text(200),
  agent_id: text(200),
  user_id: optional(text(200)),
  status: oneOf('started', 'completed', 'failed'),
  success: optional(boolean),
  runtime_seconds: optional(number(0, MAX_RUNTIME_SECONDS)),
  credits_consumed: optional(number(0, MAX_CREDITS)),
  kind: optional(oneOf('workflow', 'agent')),
  tool_id: optional(text(200)),
  session_id: optional(text(200)),
  timestamp,
};

/** An item of a request that is as it should be. */
export type ExecutionItem = Exclude<ReturnType<typeof readItem<typeof EXECUTION_FIELDS>>, BadItem>;
