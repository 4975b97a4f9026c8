import type { Millis, TenantId } from '../protocol/index.js';
import { keyedStatements } from './keyed-rows.js';
import { LEVELS, type RetentionDays, dayOf, keptSince } from './levels.js';
import { type Deletion, type DeletionStep, ROWS_A_STEP, type RetentionReader, deletion } from './retention-step.js';
import type { Statement, Write } from './statement.js';

/** Series that are looked at in one query: about 2 ms of SQLite. */
const SERIES_A_PAGE = 200;
/** Pages of one run: what is to be found here is not urgent. */
const PAGES_A_RUN = 20;
const [RAW, COARSEST] = [LEVELS[0]!, LEVELS.at(-1)!];

interface FoundSeries {
  readonly series: number;
  readonly tenant: TenantId;
  /** The day on which it was last written to. */
  readonly seenOn: number;
  /** Of its oldest point; null where it has none. */
  readonly oldestAt: Millis | null;
  readonly oldest: number | null;
  readonly newest: number | null;
}

/**
 * Goes through all series, some thousand a run, and then from the first one on again. Deletes their points that are older than they are kept, but the newest of each: what comes
 * next may be a counter's that grew since. Deletes the series itself when nobody has written to it for so long that all
 * of its history is gone, and a day. To be done after its rollups were deleted.
 */
export class SeriesRetention {
  /** The last series that was looked at. */
  #after = 0;

  /** @param onDeleted told of a tenant that has fewer series now. */
  constructor(
    private readonly reader: RetentionReader,
    private readonly onDeleted: (tenant: TenantId) => void,
  ) {}

  async delete(now: Millis, days: RetentionDays, step: DeletionStep): Promise<void> {
    for (let pages = 0; pages < PAGES_A_RUN; pages++) {
      const page = await this.#find(this.#after);
      await this.#deletePoints(page, now, step);
      await this.#deleteSeries(page, now, days, step);
      const isLast = page.length < SERIES_A_PAGE;
      this.#after = isLast ? 0 : page.at(-1)!.series;
      if (isLast) return;
    }
  }

  async #deletePoints(page: readonly FoundSeries[], now: Millis, step: DeletionStep): Promise<void> {
    // No tenant can have them kept for less.
    const before = keptSince(RAW, now, null);
    let due = page.filter(({ oldestAt, oldest, newest }) => (oldestAt ?? now) < before && oldest !== newest);
    while (due.length > 0) ({ due } = await step('metricast_metric_point', () => pointsOf(due, before)));
  }

  async #deleteSeries(
    page: readonly FoundSeries[],
    now: Millis,
    days: RetentionDays,
    step: DeletionStep,
  ): Promise<void> {
    const unused = page.filter(({ tenant, seenOn }) => seenOn < firstDay(now, days.of(tenant)));
    for (const tenant of new Set(unused.map((one) => one.tenant))) {
      const series = unused.filter((one) => one.tenant === tenant).map((one) => one.series);
      const before = firstDay(now, days.of(tenant));
      await step('metricast_metric_series', () => seriesAndPoints(series, before), tenant);
      this.onDeleted(tenant);
    }
  }

  async #find(after: number): Promise<FoundSeries[]> {
    const rows = await this.reader.rows(
      `SELECT series_id, tenant_id, seen_on, ${pointAt('ASC', 'timestamp')} AS oldest_at,
         ${pointAt('ASC', 'point_id')} AS oldest, ${pointAt('DESC', 'point_id')} AS newest
       FROM metricast_metric_series series WHERE series_id > $1 ORDER BY series_id LIMIT ${SERIES_A_PAGE}`,
      [after],
    );
    const numberOf = (value: unknown) => (value === null ? null : Number(value));
    return rows.map((row) => ({
      series: Number(row['series_id']),
      tenant: row['tenant_id'] as TenantId,
      seenOn: Number(row['seen_on']),
      oldestAt: numberOf(row['oldest_at']),
      oldest: numberOf(row['oldest']),
      newest: numberOf(row['newest']),
    }));
  }
}

/** A series that was last written to before this day has no history left, and had none a day ago. */
function firstDay(now: Millis, retentionDays: number | null): number {
  return dayOf(keptSince(COARSEST, now, retentionDays)) - 1;
}

/** Of the first or the last point of a series. */
function pointAt(order: 'ASC' | 'DESC', column: string): string {
  return `(SELECT point.${column} FROM metricast_metric_point point WHERE point.series_id = series.series_id
           ORDER BY point.timestamp ${order}, point.point_id ${order} LIMIT 1)`;
}

/** Deletes as many points as a step may. Returns the series that may have more to delete. */
function* pointsOf(due: readonly FoundSeries[], before: Millis): Write<Deletion & { due: FoundSeries[] }> {
  let deleted = 0;
  for (const [index, { series, newest }] of due.entries()) {
    const rows = yield {
      sql: `DELETE FROM metricast_metric_point WHERE point_id IN (
              SELECT point_id FROM metricast_metric_point
              WHERE series_id = $1 AND timestamp < $2 AND point_id <> $3 ORDER BY timestamp LIMIT $4)
            RETURNING point_id`,
      values: [series, before, newest, ROWS_A_STEP - deleted],
    };
    deleted += rows.length;
    if (deleted === ROWS_A_STEP) return { deleted, due: due.slice(index) };
  }
  return { deleted, due: [] };
}

/** Deletes those of the series that were not written to after all, with what points they have. */
function* seriesAndPoints(series: readonly number[], before: number): Write<Deletion> {
  const keyed = (keys: readonly number[], body: string): Iterable<Statement> =>
    keyedStatements(
      ['series_id'],
      keys.map((key) => [key]),
      body,
    );
  const isUnused = `series_id IN (SELECT series_id FROM keyed) AND seen_on < ${before}`;
  const gone: number[] = [];
  for (const statement of keyed(series, `DELETE FROM metricast_metric_series WHERE ${isUnused} RETURNING series_id`)) {
    gone.push(...(yield statement).map((row) => Number(row['series_id'])));
  }
  yield* deletion(
    keyed(
      gone,
      'DELETE FROM metricast_metric_point WHERE series_id IN (SELECT series_id FROM keyed) RETURNING series_id',
    ),
  );
  return { deleted: gone.length };
}
