import { describe, expect, test } from 'vitest';
import { meanFrequency, processorTime } from '../../../../src/feeds/system/processors.js';

describe('processor time', () => {
  test('is that of all processors, and all but idle time is busy', () => {
    const times = { user: 1, nice: 20, sys: 300, irq: 4000, idle: 50_000 };
    expect(processorTime([{ times }, { times: { ...times, user: 2 } }])).toEqual({ busy: 8643, total: 108_643 });
  });

  test('is none where the machine shows no processors', () => {
    expect(processorTime([])).toEqual({ busy: 0, total: 0 });
  });
});

describe('the mean frequency', () => {
  test('leaves out processors that say none', () => {
    expect(meanFrequency([0, 3000, 2000])).toBe(2500);
  });

  test.each([[[]], [[0, 0]]])('of %j is unknown', (frequencies) => {
    expect(meanFrequency(frequencies)).toBeNull();
  });
});
