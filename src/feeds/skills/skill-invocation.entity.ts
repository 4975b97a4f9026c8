import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { instant } from '../../store/index.js';

/** One run of a skill. */
@Entity('metricast_skill_invocation')
@Index('metricast_skill_invocation_time', ['tenantId', 'skillName', 'ranAt'])
export class SkillInvocation {
  @PrimaryGeneratedColumn({ name: 'invocation_id', type: 'bigint' })
  id!: number;

  @Column('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @Column('varchar', { name: 'skill_name' })
  skillName!: string;

  @Column('boolean')
  completed!: boolean;

  @Column('double precision', { name: 'duration_seconds', nullable: true })
  durationSeconds!: number | null;

  @Column('varchar', { name: 'session_id', nullable: true })
  sessionId!: string | null;

  @Column('varchar', { name: 'tool_id', nullable: true })
  toolId!: string | null;

  @Column('varchar', { name: 'error_type', nullable: true })
  errorType!: string | null;

  @Column('bigint', { name: 'ran_at', transformer: instant })
  ranAt!: number;
}
