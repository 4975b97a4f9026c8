import { Column, Entity, PrimaryColumn } from 'typeorm';
import { count, instant } from '../../store/index.js';

/** How often a skill ran and completed within one minute: what the anomaly detector sums its windows from. */
@Entity('metricast_skill_minute', { withoutRowid: true })
export class SkillMinute {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('varchar', { name: 'skill_name' })
  skillName!: string;

  /** The minute's first instant. */
  @PrimaryColumn('bigint', { transformer: instant })
  minute!: number;

  @Column('bigint', { transformer: count })
  runs!: number;

  @Column('bigint', { transformer: count })
  completed!: number;
}
