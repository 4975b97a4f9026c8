import { Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Scheduler } from '../../../src/scheduler/index.js';

const registry = new SchedulerRegistry();
const scheduler = new Scheduler(registry);
let logged: string[];
beforeEach(() => {
  logged = [];
  const record = (text: string) => logged.push(text.split('\n', 1)[0]!);
  Logger.overrideLogger({ log: record, warn: record, error: record });
});
afterEach(() => scheduler.cancel('job'));

/** Runs the job at each millisecond until it was called this often. */
function calledTimes(times: number, job: (call: number) => unknown): Promise<void> {
  let calls = 0;
  return new Promise((resolve) => {
    scheduler.every('job', 1, () => {
      calls++;
      if (calls === times) resolve();
      return job(calls);
    });
  });
}

test('a job stands in the registry of the host until it is cancelled', async () => {
  await calledTimes(2, () => undefined);
  expect(registry.getIntervals()).toEqual(['job']);
  scheduler.cancel('job');
  expect(registry.getIntervals()).toEqual([]);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
])('a job that %s is logged, and runs again', async (_how, fail) => {
  await calledTimes(3, (call) => (call < 3 ? fail() : undefined));
  expect(logged).toEqual(['job: Error: broken', 'job: Error: broken']);
});

test('a job that the host cleared already can be cancelled', () => {
  scheduler.every('job', 1000, () => undefined);
  registry.deleteInterval('job');
  expect(() => scheduler.cancel('job')).not.toThrow();
});

test('a host without a ScheduleModule has its jobs run all the same', async () => {
  const own = new Scheduler();
  await new Promise<void>((resolve) => own.every('own', 1, resolve));
  own.cancel('own');
  expect(registry.getIntervals()).toEqual([]);
});
