import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { instant } from '../../store/index.js';
import { UsageCounters } from './usage-counters.js';

/**
 * What a piece of work added to the counters of its series (`…_delta`), and what they were after it. A series is the
 * work of one kind by one tool in one session, or in none. What was used in a time is the sum of its deltas.
 */
@Entity('metricast_tool_usage')
@Index('metricast_tool_usage_time', ['tenantId', 'at'])
export class ToolUsage extends UsageCounters {
  @PrimaryGeneratedColumn({ name: 'usage_id', type: 'bigint' })
  id!: number;

  @Column('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @Column('varchar', { name: 'tool_id' })
  toolId!: string;

  @Column('varchar', { name: 'session_id', nullable: true })
  sessionId!: string | null;

  @Column('varchar')
  kind!: string;

  @Column('bigint', { transformer: instant })
  at!: number;

  @Column('double precision', { name: 'count_delta' })
  countDelta!: number;

  @Column('double precision', { name: 'cache_hits_delta' })
  cacheHitsDelta!: number;

  @Column('double precision', { name: 'original_tokens_delta' })
  originalTokensDelta!: number;

  @Column('double precision', { name: 'compressed_tokens_delta' })
  compressedTokensDelta!: number;

  @Column('double precision', { name: 'tokens_saved_delta' })
  tokensSavedDelta!: number;

  @Column('double precision', { name: 'hits_delta' })
  hitsDelta!: number;

  @Column('double precision', { name: 'misses_delta' })
  missesDelta!: number;
}
