import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { instant } from './column-types.js';

/** Something that happened, as it was published. */
@Entity('metricast_event')
@Index('metricast_event_time', ['tenantId', 'channel', 'timestamp'])
export class StoredEvent {
  @PrimaryGeneratedColumn({ name: 'event_id', type: 'bigint' })
  id!: number;

  @Column('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @Column('varchar')
  channel!: string;

  @Column('varchar')
  type!: string;

  @Column('bigint', { transformer: instant })
  timestamp!: number;

  /** As JSON, names sorted; empty text for none. */
  @Column('text')
  tags!: string;

  /** As JSON. */
  @Column('text')
  data!: string;
}
