import { describe, expect, test } from 'vitest';
import { pointsOf } from '../../../src/metrics/points.js';

const TAGS = { host: 'server1' };

function points(state: Record<string, unknown>, how?: Parameters<typeof pointsOf>[1]) {
  return pointsOf(state, how, 7, TAGS);
}

const sample = { kind: 'sample', type: 'gauge', timestamp: 7, tags: TAGS } as const;

describe('the points of a state', () => {
  test('are its numbers as gauges, named by their paths, where nothing is said', () => {
    expect(points({ waiting: 3, pool: { busy: 0, limits: { most: 8.5 } } })).toEqual([
      { ...sample, name: 'waiting', value: 3 },
      { ...sample, name: 'pool.busy', value: 0 },
      { ...sample, name: 'pool.limits.most', value: 8.5 },
    ]);
  });

  test('are no texts, no lists, and nothing that is not a finite number', () => {
    const state = {
      text: '3',
      list: [1, 2],
      unknown: null,
      none: undefined,
      nan: Number.NaN,
      inf: Infinity,
      yes: true,
    };
    expect(points(state)).toEqual([]);
  });

  test('are the named paths with their types', () => {
    const state = { jobs: { done: 5, waiting: 3 }, other: 1 };
    expect(points(state, { 'jobs.done': 'counter', 'jobs.waiting': 'gauge' })).toEqual([
      { ...sample, name: 'jobs.done', type: 'counter', value: 5 },
      { ...sample, name: 'jobs.waiting', value: 3 },
    ]);
  });

  test('leave out a path that leads nowhere, or to no number', () => {
    const state = { jobs: null, text: '5', deep: { list: [1] } };
    const paths = { 'jobs.done': 'gauge', text: 'gauge', 'deep.list': 'gauge', 'no.such.path': 'gauge' } as const;
    expect(points(state, paths)).toEqual([]);
  });

  test('are what a function makes, with its own tags beside those of the state', () => {
    const make = () => [
      { name: 'a', type: 'counter' as const, value: 1, tags: { queue: 'mail' } },
      { name: 'b', type: 'histogram' as const, value: 2 },
      { name: 'c', type: 'gauge' as const, value: Number.NaN },
    ];
    expect(points({}, make)).toEqual([
      { ...sample, name: 'a', type: 'counter', value: 1, tags: { host: 'server1', queue: 'mail' } },
      { ...sample, name: 'b', type: 'histogram', value: 2 },
    ]);
  });
});
