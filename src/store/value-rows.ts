import { counterIncreases } from './counter-store.js';
import { type RecordedValue, writeRollups } from './rollups.js';
import { type Write, deferred } from './statement.js';

/** Where a value was stored, and as what. */
export interface StoredValue {
  /** The number of its row. */
  readonly row: number;
  readonly series: number;
  /** By how much a counter grew with it. */
  readonly increase: number | undefined;
}

/**
 * Stores values of series, in the order of their arrival, and defers what they add to the rollups. A counter that
 * brings its increase knows better than its values can tell.
 */
export function* appendValues(values: readonly RecordedValue[]): Write<readonly StoredValue[]> {
  const { increases, corrections } = yield* counterIncreases(values.filter(isToBeFound));
  const increase = increases.values();
  const grown = values.map((one) => (isToBeFound(one) ? { ...one, increase: increase.next().value! } : one));
  const rows = yield {
    into: 'metricast_metric_point',
    columns: ['series_id', 'timestamp', 'value', 'increase'],
    types: ['integer', 'bigint', 'double precision', 'double precision'],
    rows: grown.map((one) => [one.series, one.timestamp, one.value, one.increase ?? null]),
    numbered: 'point_id',
  };
  yield deferred({ values: grown, corrections }, writeRollups);
  return grown.map((one, index) => ({
    row: rows[index]!['point_id'] as number,
    series: one.series,
    increase: one.increase,
  }));
}

function isToBeFound({ type, increase }: RecordedValue): boolean {
  return type === 'counter' && increase === undefined;
}
