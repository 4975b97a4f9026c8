import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../store/index.js';
import type { Mode, Profile } from './performance-profile.js';

/** A profile that an operator made. */
@Entity('metricast_performance_profile')
export class PerformanceProfile implements Profile {
  @PrimaryColumn('varchar', { collation: 'C' })
  name!: string;

  @Column('varchar')
  mode!: Mode;

  @Column('double precision', { name: 'collection_interval_seconds' })
  collectionIntervalSeconds!: number;

  /** 0 for no limit. */
  @Column('integer', { name: 'max_events_per_minute' })
  maxEventsPerMinute!: number;

  @Column('varchar')
  description!: string;

  @Column('bigint', { name: 'created_at', transformer: instant })
  createdAt!: number;

  @Column('bigint', { name: 'updated_at', transformer: instant })
  updatedAt!: number;
}
