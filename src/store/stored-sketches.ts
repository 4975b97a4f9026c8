import { type Millis, Sketch } from '../protocol/index.js';
import { keyedStatements } from './keyed-rows.js';
import type { Write } from './statement.js';

/** Of a rollup: its resolution in seconds, the start of its window, and its series. */
export type RollupKey = readonly [resolution: number, bucket: Millis, series: number];

/** One seek a key, whatever a planner thinks of the table. */
const STORED = `SELECT resolution, bucket, series_id, (
    SELECT sketch FROM metricast_rollup rollup WHERE rollup.resolution = keyed.resolution
      AND rollup.bucket = keyed.bucket AND rollup.series_id = keyed.series_id
  ) AS sketch FROM keyed`;

/** The sketches of those of the rollups that are there and have one, by their keys as texts. */
export function* storedSketches(keys: readonly RollupKey[]): Write<Map<string, Sketch>> {
  const sketches = new Map<string, Sketch>();
  for (const statement of keyedStatements(['resolution', 'bucket', 'series_id'], keys, STORED)) {
    for (const { resolution, bucket, series_id, sketch } of yield statement) {
      if (sketch !== null) sketches.set([resolution, bucket, series_id].join(), Sketch.decode(sketch as string));
    }
  }
  return sketches;
}
