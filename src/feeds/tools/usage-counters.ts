import { Column } from 'typeorm';

/** What usage is counted in. A kind of work fills some of them; the others stay 0. */
export const COUNTERS = [
  'count',
  'cache_hits',
  'original_tokens',
  'compressed_tokens',
  'tokens_saved',
  'hits',
  'misses',
] as const;

export type Counter = (typeof COUNTERS)[number];
export type Counts = Readonly<Record<Counter, number>>;

/**
 * The columns of the counters. Whole numbers, exact up to 2^53; not `bigint`, because a sum that is too large for that
 * would refuse whatever comes after it.
 */
export abstract class UsageCounters {
  @Column('double precision')
  count!: number;

  @Column('double precision', { name: 'cache_hits' })
  cacheHits!: number;

  @Column('double precision', { name: 'original_tokens' })
  originalTokens!: number;

  @Column('double precision', { name: 'compressed_tokens' })
  compressedTokens!: number;

  @Column('double precision', { name: 'tokens_saved' })
  tokensSaved!: number;

  @Column('double precision')
  hits!: number;

  @Column('double precision')
  misses!: number;
}
