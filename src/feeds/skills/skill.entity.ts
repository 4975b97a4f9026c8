import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { count, instant } from '../../store/index.js';

/** The running totals of a skill: what its state is read from, however long its history is. */
@Entity('metricast_skill')
@Index('metricast_skill_top', ['tenantId', 'totalInvocations', 'skillName'])
export class Skill {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  /** Ordered by its bytes, as in SQLite, whatever language the database speaks. */
  @PrimaryColumn('varchar', { name: 'skill_name', collation: 'C' })
  skillName!: string;

  @Column('bigint', { name: 'total_invocations', transformer: count })
  totalInvocations!: number;

  @Column('bigint', { name: 'completed_invocations', transformer: count })
  completedInvocations!: number;

  /** Completed invocations whose duration is known, and the sum of these durations. */
  @Column('bigint', { name: 'timed_invocations', transformer: count })
  timedInvocations!: number;

  @Column('double precision', { name: 'total_duration_seconds' })
  totalDurationSeconds!: number;

  @Index('metricast_skill_last_run_at')
  @Column('bigint', { name: 'last_run_at', transformer: instant })
  lastRunAt!: number;
}
