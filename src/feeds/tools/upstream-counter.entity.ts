import { Column, Entity, PrimaryColumn } from 'typeorm';
import { count, instant } from '../../store/index.js';

/**
 * A value of a counter of an upstream service, stored where it changed. It is the operator's: the service says nothing
 * of tenants.
 */
@Entity('metricast_upstream_counter', { withoutRowid: true })
export class UpstreamCounter {
  @PrimaryColumn('varchar')
  source!: string;

  /** The path in the service's JSON: `mlx_metrics.total_embeddings`. */
  @PrimaryColumn('varchar')
  name!: string;

  /** Counts the stored values, so that of two instances that see the same change one stores it. */
  @PrimaryColumn('bigint', { transformer: count })
  sequence!: number;

  @Column('bigint', { transformer: count })
  value!: number;

  /** The increase since the value before, never negative: a first value and one after a reset are their own. */
  @Column('bigint', { transformer: count })
  delta!: number;

  /** When the service had answered. */
  @Column('bigint', { name: 'polled_at', transformer: instant })
  polledAt!: number;
}
