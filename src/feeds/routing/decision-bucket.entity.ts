import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Millis } from '../../protocol/index.js';
import { count, instant } from '../../store/index.js';

export const MINUTE: Millis = 60_000;
export const HOUR: Millis = 3_600_000;

/** By what decisions are counted. */
export type Dimension = 'strategy' | 'provider';

/** The decisions of one strategy, or for one provider, within a minute or an hour: what windows of time are summed from. */
@Entity('metricast_decision_bucket', { withoutRowid: true })
export class DecisionBucket {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('varchar')
  dimension!: Dimension;

  /** {@link MINUTE} or {@link HOUR}. */
  @PrimaryColumn('bigint', { transformer: count })
  width!: number;

  /** The first instant of the minute or hour. */
  @PrimaryColumn('bigint', { transformer: instant })
  start!: number;

  /** Of the strategy or the provider; `other` for all that have no name of their own here. */
  @PrimaryColumn('varchar')
  name!: string;

  @Column('bigint', { transformer: count })
  count!: number;

  /** The sum of the costs, in US dollars. */
  @Column('double precision')
  cost!: number;

  /** The sum of the confidences. */
  @Column('double precision')
  confidence!: number;

  /** Decisions by their confidence: high from 0.8 on, medium from 0.5 on, else low. */
  @Column('bigint', { transformer: count })
  high!: number;

  @Column('bigint', { transformer: count })
  medium!: number;

  @Column('bigint', { transformer: count })
  low!: number;
}
