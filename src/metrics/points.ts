import type { Sample, State, Tags } from '../protocol/index.js';
import type { CollectedPoint, CollectedState, CollectMetricsOptions } from './collect-metrics.decorator.js';

/** The state of a channel from what was collected. Its points are made when they are first asked for. */
export function stateOf(
  collected: CollectedState,
  points: CollectMetricsOptions['points'],
  about: Pick<State, 'timestamp' | 'tags' | 'filter' | 'filterKey'>,
): State {
  // As JSON has it, whatever the encoding: without undefined, without NaN, without classes.
  const data = JSON.parse(JSON.stringify(collected)) as CollectedState;
  let made: readonly Sample[] | undefined;
  const { timestamp, tags } = about;
  return { kind: 'state', ...about, data, points: () => (made ??= pointsOf(data, points, timestamp, tags)) };
}

/** The samples that a state is, seen as points. Values that are not finite numbers have no point. */
export function pointsOf(
  state: CollectedState,
  points: CollectMetricsOptions['points'],
  timestamp: number,
  tags: Tags,
): Sample[] {
  return collectedPoints(state, points)
    .filter(({ value }) => Number.isFinite(value))
    .map(({ name, type, value, tags: own }) => ({
      kind: 'sample',
      name,
      type,
      value,
      timestamp,
      tags: own ? { ...tags, ...own } : tags,
    }));
}

function collectedPoints(state: CollectedState, points: CollectMetricsOptions['points']): readonly CollectedPoint[] {
  if (typeof points === 'function') return points(state);
  if (!points) return [...numbersIn(state)].map(([name, value]) => ({ name, type: 'gauge', value }));
  return Object.entries(points).map(([name, type]) => ({ name, type, value: valueAt(state, name) as number }));
}

function* numbersIn(value: unknown, path = ''): Generator<[path: string, value: number]> {
  if (typeof value === 'number') yield [path, value];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [key, inner] of Object.entries(value)) yield* numbersIn(inner, path ? `${path}.${key}` : key);
}

function valueAt(state: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], state);
}
