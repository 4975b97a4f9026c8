import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import type { TenantId } from '../../protocol/index.js';
import { DATA_SOURCE } from '../../store/index.js';
import { ExecutionTotal } from './execution-total.entity.js';

export type ExecutionKind = 'workflow' | 'agent';

/** What is asked for: an execution without a kind counts as either; the empty text asks for all, each once. */
export type CountedKind = ExecutionKind | '';

/** The kinds in which executions are counted, of which the wanted ones consist. */
export const KINDS_OF: Readonly<Record<CountedKind, readonly string[]>> = {
  workflow: ['workflow', ''],
  agent: ['agent', ''],
  '': ['workflow', 'agent', ''],
};

/** What executions amount to. */
export interface Totals {
  /** All that were seen, those that still run included. */
  readonly total: number;
  readonly successful: number;
  readonly failed: number;
  /** Ended executions whose runtime is known. */
  readonly timed: number;
  /** The sum of their runtimes, in seconds. */
  readonly runtime: number;
  /** The sum of the credits consumed. */
  readonly credits: number;
}

/** The tools and sessions whose executions are meant; absent: any. */
export interface TotalsScope {
  readonly toolIds?: readonly string[];
  readonly sessionIds?: readonly string[];
}

const COLUMNS = ['total', 'successful', 'failed', 'timed', 'runtime', 'credits'] as const;

/** Reads the running totals of executions. */
@Injectable()
export class ExecutionTotals {
  constructor(@InjectRepository(ExecutionTotal, DATA_SOURCE) private readonly rows: Repository<ExecutionTotal>) {}

  /** The totals of the scope. Several tools or sessions: the sum over them. */
  async totals(tenant: TenantId, kind: CountedKind, { toolIds, sessionIds }: TotalsScope = {}): Promise<Totals> {
    const query = this.rows
      .createQueryBuilder('scope')
      .select([])
      .where({ tenantId: tenant, kind: In([...KINDS_OF[kind]]), toolId: oneOf(toolIds), sessionId: oneOf(sessionIds) });
    for (const column of COLUMNS) query.addSelect(`COALESCE(SUM(scope.${column}), 0)`, column);
    const sums = await query.getRawOne<Record<keyof Totals, unknown>>();
    const sumOf = (column: keyof Totals) => Number(sums?.[column] ?? 0);
    return {
      total: sumOf('total'),
      successful: sumOf('successful'),
      failed: sumOf('failed'),
      timed: sumOf('timed'),
      runtime: sumOf('runtime'),
      credits: sumOf('credits'),
    };
  }
}

/** An empty text is the row of any: nobody can ask for it by name. */
function oneOf(ids: readonly string[] | undefined) {
  return ids ? In(ids.filter((id) => id !== '')) : '';
}
