import type { Millis, TenantId } from '../protocol/index.js';
import { keyedStatements } from './keyed-rows.js';
import { LEVELS, type Level, keptSince } from './levels.js';
import { type DeletionStep, type RetentionReader, deletion, sweep } from './retention-step.js';
import { Marks, type Term, termsOf } from './retention-terms.js';
import type { Statement } from './statement.js';

/** Where a row of a level stands in the order of the key. */
interface Place {
  readonly bucket: Millis;
  readonly series: number;
}

interface FoundRow extends Place {
  readonly tenant: TenantId;
}

const BEFORE_ALL: Place = { bucket: -1, series: 0 };

/** Deletes rollups that are older than their level is kept. They stand in the order of time, the series of all tenants mixed. */
export class RollupRetention {
  readonly #marks = new Marks<Place>();

  constructor(private readonly reader: RetentionReader) {}

  /** Finer levels first: readers pass over times of which a coarser one holds nothing. */
  async delete(now: Millis, days: ReadonlyMap<TenantId, number>, step: DeletionStep): Promise<void> {
    for (const level of LEVELS) {
      if (level.resolution === 'raw') continue;
      for (const term of termsOf(level.keptFor, days)) await this.#deleteOf(level, term, now, step);
    }
  }

  async #deleteOf(level: Level, term: Term, now: Millis, step: DeletionStep): Promise<void> {
    // A window is kept as long as any part of it is.
    const latest = keptSince(level, now, term.days) - level.length;
    let after = this.#marks.from(level.resolution, term, now) ?? BEFORE_ALL;
    await sweep(
      {
        table: 'metricast_rollup',
        find: (count) => this.#find(level, after, latest, term, count),
        deletionOf: (rows) => {
          if (!term.tenants) return () => deletion([deletionOf(level, rows[0]!, rows.at(-1)!)]);
          const theirs = rows.filter(({ tenant }) => term.tenants!.has(tenant));
          return theirs.length > 0 ? () => deletion(deletionsOf(level, theirs)) : undefined;
        },
        passed: (last) => {
          after = last;
          this.#marks.passed(level.resolution, term, last);
        },
      },
      step,
    );
  }

  async #find({ length }: Level, after: Place, latest: Millis, { tenants }: Term, count: number): Promise<FoundRow[]> {
    // A series that is gone is nobody's: what is left of it goes with the term of all.
    const tenant = tenants
      ? '(SELECT tenant_id FROM metricast_metric_series series WHERE series.series_id = rollup.series_id)'
      : 'NULL';
    const rows = await this.reader.rows(
      `SELECT bucket, series_id, ${tenant} AS tenant FROM metricast_rollup rollup
       WHERE resolution = $1 AND (bucket, series_id) > ($2, $3) AND bucket <= $4
       ORDER BY bucket, series_id LIMIT ${count}`,
      [length / 1000, after.bucket, after.series, latest],
    );
    return rows.map((row) => ({
      bucket: Number(row['bucket']),
      series: Number(row['series_id']),
      tenant: row['tenant'] as TenantId,
    }));
  }
}

/** Of the rows from the first to the last. */
function deletionOf({ length }: Level, first: Place, last: Place): Statement {
  return {
    sql: `DELETE FROM metricast_rollup
      WHERE resolution = $1 AND (bucket, series_id) >= ($2, $3) AND (bucket, series_id) <= ($4, $5) RETURNING series_id`,
    values: [length / 1000, first.bucket, first.series, last.bucket, last.series],
  };
}

function deletionsOf({ length }: Level, rows: readonly Place[]): Iterable<Statement> {
  return keyedStatements(
    ['resolution', 'bucket', 'series_id'],
    rows.map(({ bucket, series }) => [length / 1000, bucket, series]),
    `DELETE FROM metricast_rollup
     WHERE (resolution, bucket, series_id) IN (SELECT resolution, bucket, series_id FROM keyed) RETURNING series_id`,
  );
}
