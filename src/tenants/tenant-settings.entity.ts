import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Features } from '../protocol/index.js';
import { instant } from '../store/index.js';
import type { Limits, OwnSettings } from './effective-settings.js';

/** What a tenant has set for itself. What is null is not set: its profile decides, or the defaults. */
@Entity('metricast_tenant_settings')
export class TenantSettings implements OwnSettings {
  @PrimaryColumn('varchar', { name: 'tenant_id', collation: 'C' })
  tenantId!: string;

  @Column('boolean', { name: 'metrics_streaming', nullable: true })
  metricsStreaming!: boolean | null;

  @Column('double precision', { name: 'collection_interval_seconds', nullable: true })
  collectionIntervalSeconds!: number | null;

  /** 0 for no limit. */
  @Column('integer', { name: 'max_events_per_minute', nullable: true })
  maxEventsPerMinute!: number | null;

  /** Those that were switched, on or off. */
  @Column('simple-json', { nullable: true })
  features!: Partial<Features> | null;

  @Index('metricast_tenant_settings_profile')
  @Column('varchar', { name: 'performance_profile', nullable: true })
  performanceProfile!: string | null;

  @Column('simple-json', { nullable: true })
  limits!: Partial<Limits> | null;

  @Column('integer', { name: 'retention_days', nullable: true })
  retentionDays!: number | null;

  @Column('simple-json', { name: 'allowed_origins', nullable: true })
  allowedOrigins!: readonly string[] | null;

  @Column('bigint', { name: 'created_at', transformer: instant })
  createdAt!: number;

  @Index('metricast_tenant_settings_updated_at')
  @Column('bigint', { name: 'updated_at', transformer: instant })
  updatedAt!: number;
}
