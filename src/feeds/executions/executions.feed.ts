import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, MoreThan, Repository } from 'typeorm';
import { type CollectContext, type CollectedState, CollectMetrics } from '../../metrics/index.js';
import {
  AGENT_METRICS,
  EXECUTIONS_METRICS,
  type Millis,
  type TenantId,
  WORKFLOW_METRICS,
} from '../../protocol/index.js';
import { DATA_SOURCE } from '../../store/index.js';
import { ExecutionRuntime } from './execution-runtime.entity.js';
import { type ExecutionKind, ExecutionTotals, KINDS_OF, type Totals } from './execution-totals.js';
import { Execution } from './execution.entity.js';
import { quantileOf } from './runtime-sketch.js';

const DAY: Millis = 86_400_000;
const EVERY_SECONDS = 5;

/** The states of executions: of workflows, of agents' calls, and of all together. Runtimes in seconds, 6 decimals. */
@Injectable()
export class ExecutionsFeed {
  constructor(
    @InjectRepository(Execution, DATA_SOURCE) private readonly executions: Repository<Execution>,
    @InjectRepository(ExecutionRuntime, DATA_SOURCE) private readonly runtimes: Repository<ExecutionRuntime>,
    private readonly totals: ExecutionTotals,
  ) {}

  @CollectMetrics(WORKFLOW_METRICS, {
    every: EVERY_SECONDS,
    points: {
      'executions.total': 'counter',
      'executions.successful': 'counter',
      'executions.failed': 'counter',
      success_rate: 'gauge',
      'duration.avg': 'gauge',
      'duration.p95': 'gauge',
    },
  })
  async collectWorkflows({ tenant }: CollectContext): Promise<CollectedState> {
    const [totals, p95] = await this.#ofKind(tenant, 'workflow');
    const { total, successful, failed } = totals;
    return {
      executions: { total, successful, failed },
      success_rate: percentOf(successful, successful + failed),
      duration: { avg: averageRuntimeOf(totals), p95 },
    };
  }

  @CollectMetrics(AGENT_METRICS, {
    every: EVERY_SECONDS,
    points: {
      'calls.total': 'counter',
      'calls.successful': 'counter',
      'calls.failed': 'counter',
      'latency.avg': 'gauge',
      'errors.total': 'counter',
    },
  })
  async collectAgents({ tenant }: CollectContext): Promise<CollectedState> {
    const [totals, p95] = await this.#ofKind(tenant, 'agent');
    const { total, successful, failed } = totals;
    return {
      calls: { total, successful, failed },
      latency: { avg: averageRuntimeOf(totals), p95 },
      errors: { total: failed },
    };
  }

  @CollectMetrics(EXECUTIONS_METRICS, {
    points: {
      total_executions: 'counter',
      active_agents: 'gauge',
      credits_consumed: 'counter',
      avg_runtime: 'gauge',
    },
  })
  async collectAll({ tenant, timestamp }: CollectContext): Promise<CollectedState> {
    const [totals, active_agents] = await Promise.all([
      this.totals.totals(tenant, ''),
      this.#activeAgents(tenant, timestamp - DAY),
    ]);
    return {
      total_executions: totals.total,
      active_agents,
      credits_consumed: round(totals.credits, 6),
      avg_runtime: averageRuntimeOf(totals),
    };
  }

  async #ofKind(tenant: TenantId, kind: ExecutionKind): Promise<[totals: Totals, p95: number | null]> {
    const [totals, bins] = await Promise.all([
      this.totals.totals(tenant, kind),
      this.runtimes.find({ where: { tenantId: tenant, kind: In([...KINDS_OF[kind]]) }, order: { bin: 'ASC' } }),
    ]);
    const p95 = quantileOf(bins, 0.95);
    return [totals, p95 === null ? null : round(p95, 6)];
  }

  /** How many agents have something running. What began before `since` is taken for one whose end got lost. */
  async #activeAgents(tenant: TenantId, since: Millis): Promise<number> {
    const row = await this.executions
      .createQueryBuilder('run')
      .select('COUNT(DISTINCT run.agentId)', 'agents')
      .where({ tenantId: tenant, startedAt: MoreThan(since) })
      // Written out: the index of what runs serves no query that gets its status later.
      .andWhere(`run.status = 'started'`)
      .getRawOne<{ agents: unknown }>();
    return Number(row?.agents);
  }
}

function averageRuntimeOf({ timed, runtime }: Totals): number | null {
  return timed > 0 ? round(runtime / timed, 6) : null;
}

function percentOf(part: number, whole: number): number | null {
  return whole > 0 ? round((100 * part) / whole, 2) : null;
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
