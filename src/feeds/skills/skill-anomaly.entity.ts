import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { instant } from '../../store/index.js';

/** A time in which a skill's completion was far from what it had been. Open until it is resolved; one open a skill. */
@Entity('metricast_skill_anomaly')
@Index('metricast_skill_anomaly_newest', ['tenantId', 'detectedAt'])
@Index('metricast_skill_anomaly_skill', ['tenantId', 'skillName', 'detectedAt'])
@Index('metricast_skill_anomaly_open', ['tenantId', 'skillName'], { unique: true, where: 'resolved_at IS NULL' })
export class SkillAnomaly {
  @PrimaryGeneratedColumn({ name: 'anomaly_id' })
  id!: number;

  @Column('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @Column('varchar', { name: 'skill_name' })
  skillName!: string;

  @Column('varchar', { name: 'anomaly_type' })
  anomalyType!: 'drop' | 'spike';

  /** Standard deviations; negative for a drop. */
  @Column('double precision', { name: 'deviation_score' })
  deviationScore!: number;

  @Column('bigint', { name: 'detected_at', transformer: instant })
  detectedAt!: number;

  @Column('bigint', { name: 'resolved_at', nullable: true, transformer: instant })
  resolvedAt!: number | null;
}
