import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RetentionClock } from '../../../src/store/retention-clock.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 20, 12);

let steady: number;
let warn: { readonly mock: { readonly calls: unknown[][] } };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  steady = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => steady);
  warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** So much time goes by, and so far the clock is then from `NOW`. */
function pass(duration: number, clock: number): void {
  steady += duration;
  vi.setSystemTime(NOW + clock);
}

const clockOver = (newest: number | undefined) => new RetentionClock(() => Promise.resolve(newest));

it('is the clock, where that is no more than a day ahead of what was recorded, or there is nothing', async () => {
  for (const newest of [NOW - DAY, NOW, NOW + 300 * DAY, undefined]) expect(await clockOver(newest).now()).toBe(NOW);
  expect(warn.mock.calls).toEqual([]);
});

it('goes on from what was recorded, where the clock is further ahead when it begins, until it was so for a day', async () => {
  const clock = clockOver(NOW - 40 * DAY);
  expect(await clock.now()).toBe(NOW - 40 * DAY);
  pass(DAY - 1, DAY - 1);
  expect(await clock.now()).toBe(NOW - 39 * DAY - 1);
  expect(warn.mock.calls).toEqual([[expect.stringContaining('is 40 days ahead')]]);
  pass(1, DAY);
  expect(await clock.now()).toBe(NOW + DAY);
  pass(60_000, DAY + 60_000);
  expect(await clock.now()).toBe(NOW + DAY + 60_000);
});

it('does not jump with the clock, and is the clock again when that is set right', async () => {
  const clock = clockOver(NOW);
  await clock.now();
  pass(60_000, 800 * DAY);
  expect(await clock.now()).toBe(NOW + 60_000);
  pass(60_000, 120_000);
  expect(await clock.now()).toBe(NOW + 120_000);
  // Doubted anew, and for a day again.
  pass(DAY, 800 * DAY);
  expect(await clock.now()).toBe(NOW + DAY + 120_000);
  expect(warn.mock.calls).toHaveLength(2);
});

it('follows a clock that is set back at once, and is not led astray when that is set right', async () => {
  const clock = clockOver(NOW);
  await clock.now();
  pass(60_000, -300 * DAY);
  expect(await clock.now()).toBe(NOW - 300 * DAY);
  pass(60_000, 120_000);
  expect(await clock.now()).toBe(NOW + 120_000);
  expect(warn.mock.calls).toEqual([]);
});

it('goes on though it could not be told at first what was recorded', async () => {
  const newest = vi.fn().mockRejectedValueOnce(new Error('no database')).mockResolvedValue(NOW);
  const clock = new RetentionClock(newest);
  await expect(clock.now()).rejects.toThrow('no database');
  expect(await clock.now()).toBe(NOW);
});

it('is not led astray by what was recorded by a wrong clock since it has looked', async () => {
  const newest = vi
    .fn()
    .mockResolvedValueOnce(NOW - 60_000)
    .mockResolvedValue(NOW + 800 * DAY);
  const clock = new RetentionClock(newest);
  vi.setSystemTime(NOW + 800 * DAY);
  await clock.learn();
  pass(60_000, 800 * DAY + 60_000);
  expect(await clock.now()).toBe(NOW);
});
