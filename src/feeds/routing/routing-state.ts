import type { CollectedPoint, CollectedState } from '../../metrics/index.js';
import type { Dimension } from './decision-bucket.entity.js';

/** What is known of all decisions of one strategy, or for one provider, within a window of time. Costs and confidences are sums. */
export interface DecisionSums {
  readonly dimension: Dimension;
  readonly name: string;
  readonly count: number;
  readonly cost: number;
  readonly confidence: number;
  readonly high: number;
  readonly medium: number;
  readonly low: number;
}

/** The state of `routing.metrics`. Averages have 6 decimals, and are null where there is nothing to average. */
export type RoutingState = {
  readonly total_decisions: number;
  readonly avg_confidence: number | null;
  /** By name of the strategy. */
  readonly strategy_performance: Readonly<Record<string, StrategyPerformance>>;
  readonly confidence_distribution: Readonly<Record<'high' | 'medium' | 'low', number>>;
  /** Decisions by name of the provider. */
  readonly provider_usage: Readonly<Record<string, number>>;
};

export type StrategyPerformance = {
  readonly count: number;
  /** US dollars. */
  readonly avg_cost: number | null;
  readonly avg_confidence: number | null;
};

/** The state that these sums are. Sums of one name add up: they are of different times. */
export function routingState(sums: readonly DecisionSums[]): RoutingState {
  const strategies = added(sums.filter(({ dimension }) => dimension === 'strategy'));
  const providers = added(sums.filter(({ dimension }) => dimension === 'provider'));
  // Each decision has one strategy, so that all of them together are all decisions.
  const all = strategies.reduce<Sums>(plus, NOTHING);
  return {
    total_decisions: all.count,
    avg_confidence: average(all.confidence, all.count),
    // Not by assignment: a name may be `__proto__`.
    strategy_performance: Object.fromEntries(
      strategies.map(({ name, count, cost, confidence }) => [
        name,
        { count, avg_cost: average(cost, count), avg_confidence: average(confidence, count) },
      ]),
    ),
    confidence_distribution: { high: all.high, medium: all.medium, low: all.low },
    provider_usage: Object.fromEntries(providers.map(({ name, count }) => [name, count])),
  };
}

/** The state as points. Decisions are gauges, not counters: the window slides, and their number falls with it. */
export function routingPoints(state: CollectedState): CollectedPoint[] {
  const { total_decisions, avg_confidence, strategy_performance, provider_usage } = state as RoutingState;
  return [
    { name: 'decisions.total', type: 'gauge', value: total_decisions },
    { name: 'confidence.avg', type: 'gauge', value: avg_confidence ?? Number.NaN },
    ...Object.entries(strategy_performance).flatMap(([strategy, { count, avg_cost }]): CollectedPoint[] => [
      { name: 'strategy.count', type: 'gauge', value: count, tags: { strategy } },
      { name: 'strategy.cost.avg', type: 'gauge', value: avg_cost ?? Number.NaN, tags: { strategy } },
    ]),
    ...Object.entries(provider_usage).map(([provider, count]): CollectedPoint => ({
      name: 'provider.count',
      type: 'gauge',
      value: count,
      tags: { provider },
    })),
  ];
}

type Sums = Omit<DecisionSums, 'dimension' | 'name'>;

const NOTHING: Sums = { count: 0, cost: 0, confidence: 0, high: 0, medium: 0, low: 0 };

function plus(one: Sums, other: Sums): Sums {
  return {
    count: one.count + other.count,
    cost: one.cost + other.cost,
    confidence: one.confidence + other.confidence,
    high: one.high + other.high,
    medium: one.medium + other.medium,
    low: one.low + other.low,
  };
}

/** One of each name, by count descending, then by name. */
function added(sums: readonly DecisionSums[]): (Sums & { readonly name: string })[] {
  const byName = new Map<string, Sums>();
  for (const one of sums) byName.set(one.name, plus(byName.get(one.name) ?? NOTHING, one));
  return [...byName]
    .map(([name, all]) => ({ name, ...all }))
    .sort((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1));
}

function average(sum: number, count: number): number | null {
  return count > 0 ? Number((sum / count).toFixed(6)) : null;
}
