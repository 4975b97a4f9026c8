import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { instant } from './column-types.js';

/** One value of a series at one instant. */
@Entity('metricast_metric_point')
@Index('metricast_metric_point_series_time', ['seriesId', 'timestamp'])
export class MetricPoint {
  @PrimaryGeneratedColumn({ name: 'point_id', type: 'bigint' })
  id!: number;

  @Column('integer', { name: 'series_id' })
  seriesId!: number;

  @Column('bigint', { transformer: instant })
  timestamp!: number;

  @Column('double precision')
  value!: number;

  /** By how much a counter grew with it; null for what is no counter, and where it is not known. */
  @Column('double precision', { nullable: true })
  increase!: number | null;
}
