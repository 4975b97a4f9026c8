import { Column, Entity, PrimaryColumn } from 'typeorm';
import { count, instant } from './column-types.js';

/** What the values of one series came to within one window of time. */
@Entity('metricast_rollup', { withoutRowid: true })
export class Rollup {
  /** The length of the window in seconds: 1, 5, 60, 300 or 3600. */
  @PrimaryColumn('integer')
  resolution!: number;

  /**
   * When the window begins. Stands before the series in the key: whatever is recorded at one time lies together then,
   * and a commit changes few pages however many series it is for.
   */
  @PrimaryColumn('bigint', { transformer: instant })
  bucket!: number;

  @PrimaryColumn('integer', { name: 'series_id' })
  seriesId!: number;

  @Column('bigint', { transformer: count })
  count!: number;

  @Column('double precision')
  sum!: number;

  @Column('double precision')
  min!: number;

  @Column('double precision')
  max!: number;

  /** The value with the latest timestamp; of several, the one that was recorded last. */
  @Column('double precision')
  last!: number;

  @Column('bigint', { name: 'last_at', transformer: instant })
  lastAt!: number;

  /** By how much a counter grew in all; 0 for what is none. */
  @Column('double precision')
  increase!: number;

  /** Of a histogram: how its observations are distributed, as `Sketch.encode` writes it. */
  @Column('text', { nullable: true })
  sketch!: string | null;
}
