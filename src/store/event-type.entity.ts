import { Entity, Index, PrimaryColumn } from 'typeorm';

/** That events of a type have come on a channel of a tenant. */
@Entity('metricast_event_type', { withoutRowid: true })
@Index('metricast_event_type_channel', ['tenantId', 'channel'])
export class KnownEventType {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('varchar')
  type!: string;

  @PrimaryColumn('varchar')
  channel!: string;
}
