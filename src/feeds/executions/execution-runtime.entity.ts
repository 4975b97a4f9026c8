import { Column, Entity, PrimaryColumn } from 'typeorm';
import { count } from '../../store/index.js';

/**
 * How many executions of a kind took about how long: one bin of the sketch that percentiles are read from. Bins are
 * the same for everybody, so that whoever writes adds its counts to the rows, and the sketches of any number of
 * instances become one without being read.
 */
@Entity('metricast_execution_runtime', { withoutRowid: true })
export class ExecutionRuntime {
  @PrimaryColumn('varchar', { name: 'tenant_id' })
  tenantId!: string;

  /** Empty for executions without a kind. */
  @PrimaryColumn('varchar')
  kind!: string;

  @PrimaryColumn('integer')
  bin!: number;

  @Column('bigint', { transformer: count })
  count!: number;
}
