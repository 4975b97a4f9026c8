import { Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Renewal, Scheduler } from '../../../src/scheduler/index.js';

const A_MINUTE = 60_000;

let registry: SchedulerRegistry;
let renewal: Renewal;
/** Since when was asked, each time. */
let asked: number[];
let answer: () => Promise<void>;
let logged: string[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 });
  registry = new SchedulerRegistry();
  [asked, logged, answer] = [[], [], () => Promise.resolve()];
  const logger = new Logger('test');
  logger.error = (message: string) => void logged.push(message.split('\n', 1)[0]!);
  renewal = new Renewal('settings', new Scheduler(registry), logger, (since) => {
    asked.push(since);
    return answer();
  });
});
afterEach(() => {
  renewal.end();
  vi.useRealTimers();
});

describe('a renewal', () => {
  test('reads everything first, and then each second what is new, a minute back', async () => {
    await renewal.begin();
    expect(asked[0]).toBeLessThan(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked.slice(1)).toEqual([1_000_000_000, 1_000_001_000].map((time) => time - A_MINUTE));
  });

  test('begins with an error where everything cannot be read', async () => {
    answer = () => Promise.reject(new Error('down'));
    await expect(renewal.begin()).rejects.toThrow('down');
    expect(registry.getIntervals()).toEqual([]);
  });

  test('finds what was written while the database did not answer, and says once that it did not', async () => {
    await renewal.begin();
    answer = () => Promise.reject(new Error('down'));
    await vi.advanceTimersByTimeAsync(600_000);
    answer = () => Promise.resolve();
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked.at(-1)).toBe(1_000_000_000 - A_MINUTE);
    expect(logged).toEqual(['The settings cannot be renewed: Error: down']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked.at(-1)).toBeGreaterThan(1_000_500_000);
  });

  test('does not ask again while it waits for an answer', async () => {
    await renewal.begin();
    let finish!: () => void;
    answer = () => new Promise((resolve) => (finish = resolve));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toHaveLength(2);
    finish();
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toHaveLength(3);
  });

  test('ends with its timer', async () => {
    await renewal.begin();
    expect(registry.getIntervals()).toEqual(['metricast:renew:settings']);
    renewal.end();
    expect(registry.getIntervals()).toEqual([]);
  });
});
