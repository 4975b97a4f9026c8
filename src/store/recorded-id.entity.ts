import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { instant } from './column-types.js';

/** An id that a client gave an item, kept so that a repeat of the item is not counted twice. */
@Entity('metricast_recorded_id', { withoutRowid: true })
export class RecordedId {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  /** What was recorded: `skills`, `metrics`, … Ids of different kinds do not meet. */
  @PrimaryColumn('varchar')
  kind!: string;

  @PrimaryColumn('varchar')
  id!: string;

  @Index('metricast_recorded_id_recorded_at')
  @Column('bigint', { name: 'recorded_at', transformer: instant })
  recordedAt!: number;
}
