import { Aggregate, type Millis, type Sample, type State, canonicalKey } from '../protocol/index.js';
import { CounterGrowth } from './counter-growth.js';
import type { SeriesSample } from './recorded-windows.js';

/** Counters of one view that are remembered. */
const MOST_COUNTERS = 10_000;

/** The points of one name and tag set in one window. */
export interface AggregatedPoint {
  readonly point: SeriesSample;
  readonly aggregate: Aggregate;
}

/** What the states of one view came to in one window. */
export interface ViewWindow {
  readonly filterKey: string;
  readonly points: Iterable<AggregatedPoint>;
  /** Why there are not all points, where a state has none to show. */
  readonly error?: unknown;
}

interface OpenView {
  readonly points: Map<string, AggregatedPoint>;
  error?: unknown;
}

interface View {
  readonly growth: CounterGrowth;
  readonly windows: Map<Millis, OpenView>;
}

/** Aggregates the points of a channel's states over windows, each view of the channel by itself. */
export class CollectedWindows {
  readonly #views = new Map<string, View>();

  *starts(): Generator<Millis> {
    for (const { windows } of this.#views.values()) yield* windows.keys();
  }

  /** Adds the points of a state to the window that begins there. */
  add(start: Millis, { filterKey, points }: State): void {
    let view = this.#views.get(filterKey);
    if (!view) this.#views.set(filterKey, (view = { growth: new CounterGrowth(MOST_COUNTERS), windows: new Map() }));
    let open = view.windows.get(start);
    if (!open) view.windows.set(start, (open = { points: new Map<string, AggregatedPoint>() }));
    try {
      for (const point of points()) addPoint(view, open, point);
    } catch (error) {
      open.error = error;
    }
  }

  /** What came to that window, which is forgotten; and so is what is known of views that are not wanted any more. */
  take(start: Millis, isWanted: (filterKey: string) => boolean): ViewWindow[] {
    const taken: ViewWindow[] = [];
    for (const [filterKey, { windows }] of [...this.#views]) {
      const open = windows.get(start);
      windows.delete(start);
      if (!isWanted(filterKey)) this.#views.delete(filterKey);
      else if (open) taken.push({ filterKey, points: open.points.values(), error: open.error });
    }
    return taken;
  }
}

function addPoint({ growth }: View, { points }: OpenView, point: Sample): void {
  const { name, type, value, timestamp, tags } = point;
  const key = pointKey(point);
  let aggregated = points.get(key);
  if (!aggregated) points.set(key, (aggregated = { point: { name, type, tags }, aggregate: new Aggregate(type) }));
  const increase = type === 'counter' ? growth.of(key, value) : undefined;
  if (type === 'counter') growth.remember(key, value);
  aggregated.aggregate.add({ value, timestamp, increase });
}

/** Equal for points of the same series of a channel. */
export function pointKey({ name, type, tags }: SeriesSample): string {
  return `${type} ${JSON.stringify(name)} ${canonicalKey(tags)}`;
}
