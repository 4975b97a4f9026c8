import { statfsSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as passed } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LocalMachine } from '../../../../src/feeds/system/local-machine.js';

/** Keeps this thread busy, so that the event loop cannot turn. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

let machine: LocalMachine;
beforeEach(() => {
  machine = new LocalMachine();
});
afterEach(() => {
  machine.onModuleDestroy();
});

async function lag(): Promise<number | null> {
  return (await machine.read()).process.eventLoopLag;
}

describe('the machine that runs the tests', () => {
  test('says its processors and memory', async () => {
    const { cpuCount, cpuFrequency, memory } = await machine.read();
    expect(cpuCount).toBe(os.cpus().length);
    expect(cpuFrequency ?? 1).toBeGreaterThan(0);
    expect(memory.total).toBe(os.totalmem());
    expect(memory.available).toBeGreaterThan(0);
    expect(memory.available).toBeLessThan(memory.total);
  });

  test('says the disk of the working directory', async () => {
    const { disk } = await machine.read();
    const { blocks, bsize } = statfsSync(process.cwd());
    expect(disk?.total).toBe(blocks * bsize);
    expect(disk!.free).toBeLessThanOrEqual(disk!.total);
  });

  test.runIf(process.platform === 'linux')('says its network, which only grows', async () => {
    const earlier = (await machine.read()).network!;
    const later = (await machine.read()).network!;
    expect(earlier.received).toBeGreaterThanOrEqual(0);
    expect(later.received).toBeGreaterThanOrEqual(earlier.received);
    expect(later.sent).toBeGreaterThanOrEqual(earlier.sent);
  });

  test('says this process', async () => {
    const { process: own } = await machine.read();
    expect(own.memoryRss).toBeGreaterThan(own.heapUsed);
    expect(own.heapUsed).toBeGreaterThan(0);
    expect(own.uptimeSeconds).toBeGreaterThan(0);
  });

  test('work shows in the usage of the process and of the processors', () => {
    const earlier = machine.usage();
    block(300);
    const later = machine.usage();
    expect(later.at - earlier.at).toBeGreaterThanOrEqual(300);
    expect(later.process - earlier.process).toBeGreaterThan(50);
    expect(later.busy).toBeGreaterThan(earlier.busy);
    expect(later.total - earlier.total).toBeGreaterThanOrEqual(later.busy - earlier.busy);
  });
});

describe('the lag of the event loop', () => {
  test('is unknown before the first sample', async () => {
    expect(await lag()).toBeNull();
  });

  test('shows a blocked loop once, and not in the next reading', async () => {
    // The loop has to turn before the block, and again after it: a sample is the time between two turns.
    await passed(60);
    block(500);
    await passed(60);
    expect(await lag()).toBeGreaterThan(400);
    const next = await vi.waitUntil(() => lag(), { interval: 60 });
    expect(next).toBeLessThan(400);
  });

  test('of a loop that turns freely is less than the time between two samples', async () => {
    await vi.waitUntil(async () => ((await lag()) ?? Number.NaN) < 15, { interval: 60, timeout: 10_000 });
  });

  test('is measured no more once the module is destroyed', async () => {
    await vi.waitUntil(async () => (await lag()) !== null, { interval: 60 });
    machine.onModuleDestroy();
    await lag();
    await passed(100);
    expect(await lag()).toBeNull();
  });
});
