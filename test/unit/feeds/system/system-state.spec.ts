import { describe, expect, test } from 'vitest';
import type { Figures } from '../../../../src/feeds/system/machine.js';
import { percentOf, systemState } from '../../../../src/feeds/system/system-state.js';

const earlier = { at: 1000, busy: 500, total: 4000, process: 100 };
const figures: Figures = {
  usage: { at: 2000, busy: 1100, total: 6000, process: 600 },
  cpuCount: 2,
  cpuFrequency: 2596.1463,
  memory: { total: 16_777_216_000, available: 8_388_608_000 },
  disk: { total: 1000, free: 500, available: 300 },
  network: { sent: 10, received: 20 },
  process: { memoryRss: 100, heapUsed: 50, uptimeSeconds: 12.3456, eventLoopLag: 0.1234 },
};

describe('the state of system.metrics', () => {
  test('has the shape of the document', () => {
    expect(systemState(figures, earlier)).toEqual({
      cpu: { percent: 30, count: 2, frequency: 2596.15 },
      memory: { total: 16_777_216_000, used: 8_388_608_000, percent: 50 },
      disk: { total: 1000, used: 500, percent: 62.5 },
      network: { bytes_sent: 10, bytes_recv: 20 },
      process: { cpu_percent: 25, memory_rss: 100, heap_used: 50, uptime_seconds: 12.35, event_loop_lag_ms: 0.12 },
    });
  });

  test('the disk is full when an ordinary user can write no more', () => {
    const full = systemState({ ...figures, disk: { total: 1000, free: 50, available: 0 } }, earlier);
    expect(full.disk).toEqual({ total: 1000, used: 950, percent: 100 });
  });

  test('what is unknown is null, and no key is absent', () => {
    const unknown: Figures = {
      ...figures,
      usage: { ...figures.usage, busy: 0, total: 0 },
      cpuCount: null,
      cpuFrequency: null,
      disk: null,
      network: null,
      process: { ...figures.process, eventLoopLag: null },
    };
    const state = systemState(unknown, { ...earlier, busy: 0, total: 0 });
    expect(state.cpu).toStrictEqual({ percent: null, count: null, frequency: null });
    expect(state.disk).toStrictEqual({ total: null, used: null, percent: null });
    expect(state.network).toStrictEqual({ bytes_sent: null, bytes_recv: null });
    expect(state.process).toMatchObject({ cpu_percent: null, event_loop_lag_ms: null });
    expect(state.memory.percent).toBe(50);
  });
});

describe('a percentage', () => {
  test('has two decimals', () => {
    expect(percentOf(1, 3)).toBe(33.33);
  });

  test('stays within 0 and 100 where clocks disagree', () => {
    expect(percentOf(11, 10)).toBe(100);
    expect(percentOf(-1, 10)).toBe(0);
  });

  test.each([0, -5])('of a whole of %d is unknown', (whole) => {
    expect(percentOf(1, whole)).toBeNull();
  });
});
