import { Entity, PrimaryColumn } from 'typeorm';
import type { Dimension } from './decision-bucket.entity.js';

/** A strategy or a provider whose decisions are counted under its own name. */
@Entity('metricast_decision_name', { withoutRowid: true })
export class DecisionName {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('varchar')
  dimension!: Dimension;

  /** Of the strategy or the provider. */
  @PrimaryColumn('varchar')
  name!: string;
}
