import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { instant } from './column-types.js';

/** A change that somebody made: who, when, what it was before and after. Never changed, never deleted. */
@Entity('metricast_audit')
@Index('metricast_audit_tenant', ['tenantId', 'id'])
export class AuditEntry {
  @PrimaryGeneratedColumn({ name: 'audit_id', type: 'bigint' })
  id!: number;

  @Column('bigint', { transformer: instant })
  at!: number;

  /** The subject who made the change. */
  @Column('varchar')
  actor!: string;

  /** Null for what is no tenant's. */
  @Column('varchar', { name: 'tenant_id', nullable: true })
  tenantId!: string | null;

  /** `settings.change`, `profile.delete`, … */
  @Column('varchar')
  action!: string;

  /** As the wire shows it; null for what was not there. */
  @Column('simple-json', { nullable: true })
  before!: object | null;

  @Column('simple-json', { nullable: true })
  after!: object | null;
}
