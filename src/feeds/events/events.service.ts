import { Injectable } from '@nestjs/common';
import { EXECUTIONS_EVENTS, METRICS_UPDATE } from '../../protocol/index.js';
import type { RecordResult } from '../../recording/index.js';
import { type AlertInput, AlertsRecorder } from '../alerts/index.js';
import { ExecutionsRecorder } from '../executions/index.js';
import type { EventInput } from './event-item.js';
import { EventsRecorder } from './events.recorder.js';

/** What is known of an execution by itself, whether it starts or ends. What is said of it first holds. */
interface ExecutionParticulars {
  readonly agentId: string;
  /** The execution. It starts at most once and ends at most once: what is said again changes and sends nothing. */
  readonly runId: string;
  readonly userId?: string;
  /** What is executed. Absent: it counts both as a workflow and as an agent's. */
  readonly kind?: 'workflow' | 'agent';
  readonly toolId?: string;
  readonly sessionId?: string;
}

/** An execution that has started. */
export interface ExecutionStart extends ExecutionParticulars {
  /** ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly startedAt?: string | number;
}

/** An execution that has ended, well or not. */
export interface ExecutionCompletion extends ExecutionParticulars {
  /** Default true. */
  readonly success?: boolean;
  /** 0 to 1e9. Absent: the time since the start, where that is known. */
  readonly runtimeSeconds?: number;
  /** 0 to 1e12. */
  readonly creditsConsumed?: number;
  /** ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly completedAt?: string | number;
}

/**
 * Tells subscribers what happens in the host. Each call resolves when the event is committed, and on its way to
 * those who asked for it, on every instance.
 *
 * Each throws TypeError where the host is mistaken: a tenant that cannot be one, or a field that is not as it should
 * be, which is named. Each throws `MetricastError` `busy` where the store cannot take the event: it is not stored then,
 * unless the database went away while it committed.
 *
 * @example
 * ```ts
 * @Injectable()
 * class AgentRunner {
 *   constructor(private readonly events: EventsService) {}
 *
 *   async run(tenant: string, agentId: string, task: Task) {
 *     const runId = randomUUID();
 *     await this.events.executionStarted(tenant, { agentId, runId });
 *     const { success, credits } = await task.execute();
 *     await this.events.executionCompleted(tenant, { agentId, runId, success, creditsConsumed: credits });
 *     await this.events.publish(tenant, 'reports.events', { type: 'report_ready', data: { runId } });
 *   }
 * }
 * ```
 */
@Injectable()
export class EventsService {
  constructor(
    private readonly executions: ExecutionsRecorder,
    private readonly alerts: AlertsRecorder,
    private readonly events: EventsRecorder,
  ) {}

  /** An execution started: `execution_started` on `executions.events`, as by `POST /ingest/executions`. */
  async executionStarted(tenant: string, execution: ExecutionStart): Promise<void> {
    const result = await this.executions.record(tenant, {
      ...particularsOf(execution),
      status: 'started',
      timestamp: execution.startedAt,
    });
    requireAccepted(result, { ...EXECUTION_FIELDS, timestamp: 'startedAt' });
  }

  /** An execution ended: `execution_completed` on `executions.events`, as by `POST /ingest/executions`. */
  async executionCompleted(tenant: string, execution: ExecutionCompletion): Promise<void> {
    const result = await this.executions.record(tenant, {
      ...particularsOf(execution),
      status: 'completed',
      success: execution.success,
      runtime_seconds: execution.runtimeSeconds,
      credits_consumed: execution.creditsConsumed,
      timestamp: execution.completedAt,
    });
    requireAccepted(result, { ...EXECUTION_FIELDS, timestamp: 'completedAt' });
  }

  /**
   * Figures of the host's own: `metrics_update` on `executions.events`.
   *
   * @param metrics an object that JSON can say in 64 KiB; sent as it is.
   */
  async metricsUpdate(tenant: string, metrics: object): Promise<void> {
    const event = { channel: EXECUTIONS_EVENTS, type: METRICS_UPDATE, data: metrics };
    requireAccepted(await this.events.record(tenant, event), { data: 'metrics' });
  }

  /** Something that people should know of: `alert` on `alerts.events`, as by `POST /ingest/alerts`. */
  async alert(tenant: string, alert: AlertInput): Promise<void> {
    requireAccepted(await this.alerts.record(tenant, alert));
  }

  /**
   * Anything else. Clients can ask for the channel, or for the type, once the first event came, or where the module's
   * option `eventTypes` declares it.
   *
   * @param channel `NAME.events`, of `a-z 0-9 _ . -`, at most 128 characters.
   */
  async publish(tenant: string, channel: string, event: EventInput): Promise<void> {
    requireAccepted(await this.events.record(tenant, { ...event, channel }));
  }
}

/** What the fields of a recorded execution are called here. */
const EXECUTION_FIELDS = {
  agent_id: 'agentId',
  run_id: 'runId',
  user_id: 'userId',
  tool_id: 'toolId',
  session_id: 'sessionId',
  runtime_seconds: 'runtimeSeconds',
  credits_consumed: 'creditsConsumed',
};

function particularsOf({ agentId, runId, userId, kind, toolId, sessionId }: ExecutionParticulars) {
  return { agent_id: agentId, run_id: runId, user_id: userId, kind, tool_id: toolId, session_id: sessionId };
}

/** @throws TypeError that names the field which was refused, as the caller knows it. */
function requireAccepted({ rejected: [refused] }: RecordResult, names: Readonly<Record<string, string>> = {}): void {
  if (refused) throw new TypeError(`${names[refused.field] ?? refused.field}: ${refused.message}`);
}
