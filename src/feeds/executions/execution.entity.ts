import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { instant } from '../../store/index.js';

/** One run of an agent or a workflow. Who and what it is was said when it was first seen. */
@Entity('metricast_execution')
@Index('metricast_execution_running', ['tenantId', 'startedAt', 'agentId'], { where: "status = 'started'" })
export class Execution {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('varchar', { name: 'run_id' })
  runId!: string;

  @Column('varchar', { name: 'agent_id' })
  agentId!: string;

  @Column('varchar', { name: 'user_id', nullable: true })
  userId!: string | null;

  @Column('varchar', { nullable: true })
  kind!: 'workflow' | 'agent' | null;

  @Column('varchar', { name: 'tool_id', nullable: true })
  toolId!: string | null;

  @Column('varchar', { name: 'session_id', nullable: true })
  sessionId!: string | null;

  @Column('varchar')
  status!: 'started' | 'completed' | 'failed';

  /** Null where nobody said that it started, only that it ended. */
  @Column('bigint', { name: 'started_at', nullable: true, transformer: instant })
  startedAt!: number | null;

  /** Null while it runs, as all that follows. */
  @Column('bigint', { name: 'completed_at', nullable: true, transformer: instant })
  completedAt!: number | null;

  @Column('boolean', { nullable: true })
  success!: boolean | null;

  @Column('double precision', { name: 'runtime_seconds', nullable: true })
  runtimeSeconds!: number | null;

  @Column('double precision', { name: 'credits_consumed', nullable: true })
  creditsConsumed!: number | null;
}
