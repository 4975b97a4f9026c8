import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { instant } from '../store/index.js';
import type { RevocationKind } from './revocation-list.js';

/** What of a tenant's, or of all, is not taken any more. */
@Entity('metricast_revocation', { withoutRowid: true })
export class StoredRevocation {
  @PrimaryColumn('varchar')
  kind!: RevocationKind;

  /** A token's `jti`, a subject or a tenant. */
  @PrimaryColumn('varchar')
  value!: string;

  /** Empty for all: a key holds no null. */
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @Index('metricast_revocation_revoked_at')
  @Column('bigint', { name: 'revoked_at', transformer: instant })
  revokedAt!: number;
}
