import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { SampleType } from '../protocol/index.js';

/** A series: all the points of one name and tag set in a channel of a tenant. */
@Entity('metricast_metric_series')
@Index('metricast_metric_series_channel', ['tenantId', 'channel', 'name'])
export class MetricSeries {
  @PrimaryGeneratedColumn({ name: 'series_id' })
  id!: number;

  /**
   * The SHA-256 of all that makes the series the one it is. A tag set itself can be far longer than what PostgreSQL
   * takes into an index.
   */
  @Index('metricast_metric_series_identity', { unique: true })
  @Column('varchar')
  identity!: string;

  @Column('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @Column('varchar')
  channel!: string;

  @Column('varchar')
  name!: string;

  /** The type that the series was first recorded with. */
  @Column('varchar')
  type!: SampleType;

  /** The tags as JSON, names sorted; empty text for none. */
  @Column('text')
  tags!: string;

  /**
   * The day on which it was last written to, by the server's clock: whole days since 1970-01-01 UTC. Its default in the
   * database is the day on which the column was added.
   */
  @Column('integer', { name: 'seen_on' })
  seenOn!: number;
}
