import { Logger } from '@nestjs/common';
import { type Millis, Sketch, describeThrown } from '../protocol/index.js';
import { keyedStatements } from './keyed-rows.js';
import type { Write } from './statement.js';

/** Of a rollup: its resolution in seconds, the start of its window, and its series. */
export type RollupKey = readonly [resolution: number, bucket: Millis, series: number];

/** One seek a key, whatever a planner thinks of the table. */
const STORED = `SELECT resolution, bucket, series_id, (
    SELECT sketch FROM metricast_rollup rollup WHERE rollup.resolution = keyed.resolution
      AND rollup.bucket = keyed.bucket AND rollup.series_id = keyed.series_id
  ) AS sketch FROM keyed`;

const logger = new Logger('StoredSketches');

/**
 * The sketches of those of the rollups that are there and have one, by their keys as texts. One that cannot be read is
 * none, and is written anew: else it would fail every transaction with a value for its window.
 */
export function* storedSketches(keys: readonly RollupKey[]): Write<Map<string, Sketch>> {
  const sketches = new Map<string, Sketch>();
  for (const statement of keyedStatements(['resolution', 'bucket', 'series_id'], keys, STORED)) {
    for (const { resolution, bucket, series_id, sketch } of yield statement) {
      const known = sketch === null ? undefined : sketchOf(sketch as string, Number(series_id));
      if (known) sketches.set([resolution, bucket, series_id].join(), known);
    }
  }
  return sketches;
}

/** `undefined` where it cannot be read, which the log is told. */
export function sketchOf(stored: string, series: number): Sketch | undefined {
  try {
    return Sketch.decode(stored);
  } catch (error) {
    logger.error(`A distribution of series ${series} cannot be read, and counts as empty: ${describeThrown(error)}`);
    return undefined;
  }
}
