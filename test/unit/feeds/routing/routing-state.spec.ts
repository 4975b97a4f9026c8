import { describe, expect, it } from 'vitest';
import { type DecisionSums, routingPoints, routingState } from '../../../../src/feeds/routing/routing-state.js';

describe('the state of routing', () => {
  it('adds what is of one name, and keeps strategies and providers of one name apart', () => {
    const state = routingState([
      sums({ name: 'a', count: 1, cost: 1, confidence: 0.25, low: 1 }),
      sums({ name: 'a', count: 2, cost: 0.5, confidence: 1.5, medium: 1, high: 1 }),
      sums({ dimension: 'provider', name: 'a', count: 1 }),
      sums({ dimension: 'provider', name: 'a', count: 2 }),
    ]);

    expect(state).toEqual({
      total_decisions: 3,
      avg_confidence: 0.583333,
      strategy_performance: { a: { count: 3, avg_cost: 0.5, avg_confidence: 0.583333 } },
      confidence_distribution: { high: 1, medium: 1, low: 1 },
      provider_usage: { a: 3 },
    });
  });

  it('has figures of its own for a name that means something to JavaScript', () => {
    const state = routingState([sums({ name: '__proto__', count: 1, confidence: 1, high: 1 })]);

    expect(JSON.stringify(state.strategy_performance)).toBe(
      '{"__proto__":{"count":1,"avg_cost":0,"avg_confidence":1}}',
    );
  });
});

describe('the points of routing', () => {
  it('are gauges, of each strategy and provider by its tag', () => {
    const state = routingState([
      sums({ name: 'hybrid', count: 4, cost: 1, confidence: 3 }),
      sums({ name: '__proto__', count: 1, cost: 1, confidence: 0 }),
      sums({ dimension: 'provider', name: 'gemini', count: 5 }),
    ]);

    expect(routingPoints(state)).toEqual([
      { name: 'decisions.total', type: 'gauge', value: 5 },
      { name: 'confidence.avg', type: 'gauge', value: 0.6 },
      { name: 'strategy.count', type: 'gauge', value: 4, tags: { strategy: 'hybrid' } },
      { name: 'strategy.cost.avg', type: 'gauge', value: 0.25, tags: { strategy: 'hybrid' } },
      { name: 'strategy.count', type: 'gauge', value: 1, tags: { strategy: '__proto__' } },
      { name: 'strategy.cost.avg', type: 'gauge', value: 1, tags: { strategy: '__proto__' } },
      { name: 'provider.count', type: 'gauge', value: 5, tags: { provider: 'gemini' } },
    ]);
  });

  it('of nothing have no average', () => {
    expect(routingPoints(routingState([]))).toEqual([
      { name: 'decisions.total', type: 'gauge', value: 0 },
      { name: 'confidence.avg', type: 'gauge', value: Number.NaN },
    ]);
  });
});

function sums(particulars: Partial<DecisionSums>): DecisionSums {
  return {
    dimension: 'strategy',
    name: 'a',
    count: 0,
    cost: 0,
    confidence: 0,
    high: 0,
    medium: 0,
    low: 0,
    ...particulars,
  };
}
