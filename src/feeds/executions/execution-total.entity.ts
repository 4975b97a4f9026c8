import { Column, Entity, PrimaryColumn } from 'typeorm';
import { count } from '../../store/index.js';

/**
 * The running totals of executions: one row for each kind and scope, so that a state is read from a few rows, however
 * many executions there were. An empty text stands for any tool and for any session; as a kind it says that the
 * executions have none.
 */
@Entity('metricast_execution_total', { withoutRowid: true })
export class ExecutionTotal {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('varchar')
  kind!: string;

  @PrimaryColumn('varchar', { name: 'tool_id' })
  toolId!: string;

  @PrimaryColumn('varchar', { name: 'session_id' })
  sessionId!: string;

  /** All that were seen, those that still run included. */
  @Column('bigint', { transformer: count })
  total!: number;

  @Column('bigint', { transformer: count })
  successful!: number;

  @Column('bigint', { transformer: count })
  failed!: number;

  /** Ended executions whose runtime is known, and the sum of these runtimes in seconds. */
  @Column('bigint', { transformer: count })
  timed!: number;

  @Column('double precision')
  runtime!: number;

  @Column('double precision')
  credits!: number;
}
