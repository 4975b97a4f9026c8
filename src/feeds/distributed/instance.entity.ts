import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { instant } from '../../store/index.js';

/** One process of this service, of all that share the database. */
@Entity('metricast_instance', { withoutRowid: true })
export class Instance {
  /** A UUID, new with every start. */
  @PrimaryColumn('varchar', { name: 'instance_id' })
  id!: string;

  @Column('bigint', { name: 'started_at', transformer: instant })
  startedAt!: number;

  /** When it last said that it runs. */
  @Index('metricast_instance_seen_at')
  @Column('bigint', { name: 'seen_at', transformer: instant })
  seenAt!: number;
}
