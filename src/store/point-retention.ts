import type { Millis } from '../protocol/index.js';
import { LEVELS, keptSince } from './levels.js';
import { MAX_AHEAD } from './log-retention.js';
import { type DeletionStep, type RetentionReader, deletion, sweep } from './retention-step.js';
import type { Statement } from './statement.js';

/**
 * Deletes points in the order in which they were recorded, so that those which go together lie together, whatever their
 * series. The newest of each series stays. What has come late, or was the newest when its turn came, is left to
 * `SeriesRetention`.
 */
export class PointRetention {
  /** The number of the last point that it has passed. */
  #after = 0;

  constructor(private readonly reader: RetentionReader) {}

  async delete(now: Millis, step: DeletionStep): Promise<void> {
    // No tenant can have them kept for less.
    const before = keptSince(LEVELS[0]!, now, null);
    await sweep(
      {
        table: 'metricast_metric_point',
        find: async (count) => {
          const found = await this.#find(count);
          // What is stamped with a time to come was recorded while a clock was wrong: it holds up nothing.
          const end = found.findIndex(({ at }) => at >= before && at <= now + MAX_AHEAD);
          return end < 0 ? found : found.slice(0, end);
        },
        deletionOf: (rows) => () => deletion([deletionOf(rows[0]!.number, rows.at(-1)!.number, before)]),
        passed: (last) => (this.#after = last.number),
      },
      step,
    );
  }

  async #find(count: number): Promise<{ number: number; at: Millis }[]> {
    const rows = await this.reader.rows(
      `SELECT point_id, timestamp FROM metricast_metric_point
       WHERE point_id > $1 ORDER BY point_id LIMIT ${count}`,
      [this.#after],
    );
    return rows.map((row) => ({ number: Number(row['point_id']), at: Number(row['timestamp']) }));
  }
}

function deletionOf(first: number, last: number, before: Millis): Statement {
  return {
    sql: `DELETE FROM metricast_metric_point WHERE point_id >= $1 AND point_id <= $2 AND timestamp < $3 AND timestamp < (
            SELECT MAX(timestamp) FROM metricast_metric_point newer
            WHERE newer.series_id = metricast_metric_point.series_id)
          RETURNING point_id`,
    values: [first, last, before],
  };
}
