import { DiscoveryModule } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemFeed } from '../../../../src/feeds/system/index.js';
import type { SystemState } from '../../../../src/feeds/system/system-state.js';
import { Collectors } from '../../../../src/metrics/index.js';
import { pointsOf } from '../../../../src/metrics/points.js';
import { ALL_FEATURES, LOCAL_TENANT, NO_FILTER, NO_TAGS, SYSTEM_METRICS } from '../../../../src/protocol/index.js';

let module: TestingModule;
beforeEach(async () => {
  module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    providers: [Collectors, ...systemFeed.providers],
  }).compile();
  await module.init();
});
afterEach(() => module.close());

const context = { tenant: LOCAL_TENANT, filter: NO_FILTER, features: ALL_FEATURES, timestamp: 0 };

function collector() {
  return module.get(Collectors).get(SYSTEM_METRICS)!;
}

/** A state over a time long enough for the kernel to have counted some. */
function collectedState(): Promise<SystemState> {
  return vi.waitUntil(
    async () => {
      const state = (await collector().collect(context)) as SystemState;
      return state.cpu.percent !== null && state.process.event_loop_lag_ms !== null && state;
    },
    { timeout: 5000 },
  );
}

/** Every value in the state, with its path. */
function leaves(value: unknown, path = ''): [path: string, leaf: unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path ? `${path}.${key}` : key));
}

describe('the feed of system.metrics', () => {
  test('collects this machine, at the pace of the tenant', async () => {
    expect(collector().every).toBeUndefined();
    const state = await collectedState();
    expect(leaves(state).map(([path]) => path)).toEqual([
      'cpu.percent',
      'cpu.count',
      'cpu.frequency',
      'memory.total',
      'memory.used',
      'memory.percent',
      'disk.total',
      'disk.used',
      'disk.percent',
      'network.bytes_sent',
      'network.bytes_recv',
      'process.cpu_percent',
      'process.memory_rss',
      'process.heap_used',
      'process.uptime_seconds',
      'process.event_loop_lag_ms',
    ]);
  });

  test('says nothing that JSON would change', async () => {
    const state = await collectedState();
    expect(JSON.parse(JSON.stringify(state))).toStrictEqual(state);
  });

  test('percentages are 0 to 100, with two decimals', async () => {
    const percentages = leaves(await collectedState()).filter(([path]) => path.endsWith('percent'));
    expect(percentages).toHaveLength(4);
    for (const [path, percentage] of percentages as [string, number][]) {
      expect(percentage, path).toBeGreaterThanOrEqual(0);
      expect(percentage, path).toBeLessThanOrEqual(100);
      expect(percentage, path).toBe(Number(percentage.toFixed(2)));
    }
  });

  test('has the points of the document', async () => {
    const state = { ...(await collectedState()), network: { bytes_sent: 1, bytes_recv: 2 } };
    const points = pointsOf(state, collector().points, 0, NO_TAGS).map(({ name, type }) => [name, type]);
    expect(points).toEqual([
      ['cpu.percent', 'gauge'],
      ['memory.percent', 'gauge'],
      ['disk.percent', 'gauge'],
      ['network.bytes_sent', 'counter'],
      ['network.bytes_recv', 'counter'],
    ]);
  });

  test('what is unknown is no point', async () => {
    const state = { ...(await collectedState()), network: { bytes_sent: null, bytes_recv: null } };
    const names = pointsOf(state, collector().points, 0, NO_TAGS).map(({ name }) => name);
    expect(names).toEqual(['cpu.percent', 'memory.percent', 'disk.percent']);
  });

  test('tenants that tick together share one reading', async () => {
    const [one, other] = await Promise.all([collector().collect(context), collector().collect(context)]);
    expect(other).toBe(one);
  });
});
