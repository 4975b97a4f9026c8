import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { RecentCensus } from '../../../src/observability/recent-census.js';
import { connect } from '../../support/connected.js';

let hub: Hub;
let census: RecentCensus;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  hub = new Hub();
  census = new RecentCensus(hub);
});
afterEach(() => vi.useRealTimers());

test('who asks again within a second is given the same census', () => {
  connect(hub);
  const first = census.get();
  connect(hub);
  vi.advanceTimersByTime(999);

  expect(first.connections).toBe(1);
  expect(census.get()).toBe(first);
});

test('a second later another is taken, and kept as long', () => {
  census.get();
  vi.advanceTimersByTime(1000);
  connect(hub);
  const second = census.get();
  vi.advanceTimersByTime(999);

  expect(second.connections).toBe(1);
  expect(census.get()).toBe(second);
});
