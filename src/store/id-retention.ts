import type { Millis } from '../protocol/index.js';
import { DAY } from './levels.js';
import { type DeletionStep, ROWS_A_STEP, type RetentionReader, deletion } from './retention-step.js';

/** How long an item that is sent again under its id is not recorded twice. */
const IDS_KEPT_FOR: Millis = DAY;

/** Deletes the ids of items that were recorded long ago. */
export class IdRetention {
  constructor(private readonly reader: RetentionReader) {}

  async delete(now: Millis, step: DeletionStep): Promise<void> {
    const before = now - IDS_KEPT_FOR;
    const old = await this.reader.rows('SELECT 1 FROM metricast_recorded_id WHERE recorded_at < $1 LIMIT 1', [before]);
    if (old.length === 0) return;
    for (let deleted = ROWS_A_STEP; deleted === ROWS_A_STEP;) {
      ({ deleted } = await step('metricast_recorded_id', () => deletion([oldestBefore(before)])));
    }
  }
}

function oldestBefore(instant: Millis) {
  return {
    sql: `DELETE FROM metricast_recorded_id WHERE (tenant_id, kind, id) IN (
            SELECT tenant_id, kind, id FROM metricast_recorded_id
            WHERE recorded_at < $1 ORDER BY recorded_at LIMIT $2)
          RETURNING kind`,
    values: [instant, ROWS_A_STEP],
  };
}
