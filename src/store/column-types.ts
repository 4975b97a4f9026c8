import type { ValueTransformer } from 'typeorm';

/** Milliseconds in a `bigint` column, which PostgreSQL's driver reads as text. */
export const instant: ValueTransformer = {
  to: (value: unknown) => value,
  from: (value: unknown) => (value === null || value === undefined ? null : Number(value)),
};

/** A count in a `bigint` column. */
export const count = instant;
