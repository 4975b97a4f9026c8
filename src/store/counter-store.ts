import { type Reading, type StoredReading, increasesAmong } from './counter-increases.js';
import { keyedStatements } from './keyed-rows.js';
import type { Correction } from './rollups.js';
import type { Write } from './statement.js';

export interface SeriesReading extends Reading {
  readonly series: number;
}

/** The newest reading of each series. */
const NEWEST = reading(`SELECT newest.point_id FROM metricast_metric_point newest
  WHERE newest.series_id = keyed.series_id ORDER BY newest.timestamp DESC, newest.point_id DESC LIMIT 1`);

/** The one before each instant and the one after it. What is stored for the instant itself is before. */
const NEIGHBOURS = reading(
  `SELECT before.point_id FROM metricast_metric_point before
   WHERE before.series_id = keyed.series_id AND before.timestamp <= keyed.timestamp
   ORDER BY before.timestamp DESC, before.point_id DESC LIMIT 1`,
  `SELECT after.point_id FROM metricast_metric_point after
   WHERE after.series_id = keyed.series_id AND after.timestamp > keyed.timestamp
   ORDER BY after.timestamp, after.point_id LIMIT 1`,
);

const CHANGE = `UPDATE metricast_metric_point SET increase = keyed.increase FROM keyed
  WHERE metricast_metric_point.point_id = keyed.point_id`;

/**
 * By how much counters grew with readings that are about to be stored, given in the order of their arrival. Where one
 * comes late, the row of the next one is corrected; the rollups are left to the caller.
 */
export function* counterIncreases(
  readings: readonly SeriesReading[],
): Write<{ increases: readonly number[]; corrections: readonly Correction[] }> {
  const arrived = new Map<number, number[]>();
  readings.forEach(({ series }, index) => {
    const indices = arrived.get(series);
    if (indices) indices.push(index);
    else arrived.set(series, [index]);
  });
  const newest = yield* find(
    ['series_id'],
    [...arrived.keys()].map((series) => [series]),
    NEWEST,
  );
  const late = readings.filter(({ series, timestamp }) => timestamp < (newest.get(series)?.[0]?.timestamp ?? 0));
  const neighbours = yield* find(
    ['series_id', 'timestamp'],
    late.map(({ series, timestamp }) => [series, timestamp]),
    NEIGHBOURS,
  );

  const increases: number[] = [];
  const corrections: Correction[] = [];
  const changed: [id: number, increase: number][] = [];
  for (const [series, indices] of arrived) {
    const stored = [...(newest.get(series) ?? []), ...(neighbours.get(series) ?? [])];
    const found = increasesAmong(
      indices.map((index) => readings[index]!),
      [...new Map(stored.map((one) => [one.id, one])).values()],
    );
    indices.forEach((index, place) => (increases[index] = found.increases[place]!));
    for (const { id, timestamp, increase, by } of found.changed) {
      changed.push([id, increase]);
      corrections.push({ series, timestamp, by });
    }
  }
  for (const statement of keyedStatements(['point_id', 'increase double precision'], changed, CHANGE)) yield statement;
  return { increases, corrections };
}

function reading(...ids: readonly string[]): string {
  return `SELECT point_id, series_id, timestamp, value, increase FROM metricast_metric_point
    WHERE point_id IN (${ids.map((id) => `SELECT (${id}) FROM keyed`).join(' UNION ALL ')})`;
}

/** Readings that are stored, by series. */
function* find(
  columns: readonly string[],
  keys: readonly (readonly number[])[],
  body: string,
): Write<Map<number, StoredReading[]>> {
  const found = new Map<number, StoredReading[]>();
  for (const statement of keyedStatements(columns, keys, body)) {
    for (const { point_id, series_id, timestamp, value, increase } of yield statement) {
      const series = Number(series_id);
      const reading: StoredReading = {
        id: Number(point_id),
        timestamp: Number(timestamp),
        value: value as number,
        increase: increase as number | null,
      };
      const known = found.get(series);
      if (known) known.push(reading);
      else found.set(series, [reading]);
    }
  }
  return found;
}
