import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { instant } from '../../store/index.js';

/** One decision of a router: which provider it chose, by which strategy. */
@Entity('metricast_decision')
@Index('metricast_decision_time', ['tenantId', 'decidedAt'])
export class Decision {
  @PrimaryGeneratedColumn({ name: 'decision_id', type: 'bigint' })
  id!: number;

  @Column('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @Column('varchar')
  strategy!: string;

  @Column('varchar')
  provider!: string;

  @Column('varchar', { nullable: true })
  model!: string | null;

  @Column('double precision')
  confidence!: number;

  /** US dollars. */
  @Column('double precision')
  cost!: number;

  @Column('bigint', { name: 'decided_at', transformer: instant })
  decidedAt!: number;
}
