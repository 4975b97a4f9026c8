import { describe, expect, it } from 'vitest';
import { OpenWindows } from '../../../src/metrics/open-windows.js';
import { NotedRoom, RecordedWindows } from '../../../src/metrics/recorded-windows.js';
import { NO_FILTER, type SampleType, type TagFilter } from '../../../src/protocol/index.js';
import { ACME } from '../../support/principals.js';
import { ORDERS, filterOf, sampleWith, stateFor } from '../../support/publications.js';

const SECOND = 1000;
const LEVEL = sampleWith({ name: 'level' });
/** A whole minute. */
const NOON = Date.UTC(2026, 10, 21, 12);
const anybody = () => true;

function opened(now: number, isRecorded = false): OpenWindows {
  return new OpenWindows(ACME, ORDERS, '1s', now, new NotedRoom(), isRecorded);
}

/** A state with one point. */
function stateAt(timestamp: number, value: number, type: SampleType = 'gauge', filter: TagFilter = NO_FILTER) {
  return stateFor(filter, { timestamp, points: () => [sampleWith({ name: 'level', type, value, timestamp })] });
}

/** Starts of the windows that are closed at this time, relative to noon. */
function closedAt(windows: OpenWindows, now: number): number[] {
  return windows.hasEnded(now) ? windows.close(now, anybody).map(({ start }) => start - NOON) : [];
}

describe('the open windows of a channel', () => {
  it('are closed a quarter of a second after their end, each once', () => {
    const windows = opened(NOON);
    windows.note(7, NOON + 10, LEVEL);
    windows.note(7, NOON + 999, LEVEL);

    expect(closedAt(windows, NOON + 1249)).toEqual([]);
    expect(windows.close(NOON + 1250, anybody)).toEqual([
      { start: NOON, recorded: new Map([[7, LEVEL]]), collected: [] },
    ]);
    expect(closedAt(windows, NOON + 1251)).toEqual([]);
    expect(closedAt(windows, NOON + 9999)).toEqual([]);
  });

  it('are closed in the order of their time, all that have ended meanwhile', () => {
    const windows = opened(NOON);
    for (const second of [4, 1, 0, 3]) windows.note(second, NOON + second * SECOND, LEVEL);

    expect(closedAt(windows, NOON + 4300)).toEqual([0, 1000, 3000]);
    expect(closedAt(windows, NOON + 60_000)).toEqual([4000]);
  });

  it('are told of what was recorded in them before anybody was there, by none of its series', () => {
    // In its first quarter of a second, the window before is open as well.
    const early = opened(NOON + 100, true);
    early.note(7, NOON + 200, LEVEL);
    expect(early.close(NOON + 5000, anybody)).toEqual([
      { start: NOON - SECOND, recorded: 'any', collected: [] },
      { start: NOON, recorded: 'any', collected: [] },
    ]);
    expect(closedAt(opened(NOON + 400, true), NOON + 5000)).toEqual([0]);
    expect(closedAt(opened(NOON + 400), NOON + 5000)).toEqual([]);
  });

  it('say from when on windows are yet to come', () => {
    const windows = opened(NOON + 100);
    expect(windows.openFrom).toBe(NOON - SECOND);
    windows.note(7, NOON - 10, LEVEL);
    const [due] = windows.close(NOON + 1250, anybody);
    expect(windows.openFrom).toBe(NOON - SECOND);
    windows.sending(due!, [7]);
    expect(windows.openFrom).toBe(NOON);
    windows.sent();
    expect(windows.openFrom).toBe(NOON + SECOND);
    expect(opened(NOON + 250).openFrom).toBe(NOON);
  });

  it('show what comes late for the last of them of series that were not sent in it, once', () => {
    const windows = opened(NOON);
    windows.note(7, NOON, LEVEL);
    const [due] = windows.close(NOON + 1300, anybody);
    windows.sending(due!, [7]);
    expect(windows.hasLate).toBe(false);
    for (const series of [7, 8, 8]) windows.note(series, NOON + 500, LEVEL);

    expect(windows.hasLate).toBe(true);
    const [late, ...others] = windows.close(NOON + 1310, anybody);
    expect([late, ...others]).toEqual([{ start: NOON, recorded: new Map([[8, LEVEL]]), collected: [] }]);
    windows.sending(late!, [8]);
    windows.note(8, NOON + 600, LEVEL);
    expect(closedAt(windows, NOON + 60_000)).toEqual([]);
  });

  it('do not show again a series that came while its window was read, and was in it', () => {
    const windows = opened(NOON + 400, true);
    const [due] = windows.close(NOON + 1300, anybody);
    windows.note(7, NOON + 500, LEVEL);
    windows.sending(due!, [7]);

    expect(windows.close(NOON + 1310, anybody)).toEqual([]);
  });

  it('show what is late before what ended since', () => {
    const windows = opened(NOON);
    windows.close(NOON + 1300, anybody);
    windows.note(7, NOON + SECOND, LEVEL);
    windows.note(8, NOON + 500, LEVEL);

    expect(closedAt(windows, NOON + 2250)).toEqual([0, 1000]);
  });

  it('leave out what comes later than that, and what was closed before they were opened', () => {
    const windows = opened(NOON);
    windows.note(8, NOON - SECOND, LEVEL);
    windows.close(NOON + 1300, anybody);
    windows.close(NOON + 2300, anybody);
    windows.note(7, NOON + 500, LEVEL);

    expect(windows.hasLate).toBe(false);
    expect(closedAt(windows, NOON + 60_000)).toEqual([]);
  });

  it('wait for the time of what comes from the future', () => {
    const windows = opened(NOON);
    windows.note(7, NOON + 300_000, LEVEL);

    expect(closedAt(windows, NOON + 301_249)).toEqual([]);
    expect(closedAt(windows, NOON + 301_250)).toEqual([300_000]);
  });

  it('are not closed again where the clock is set back a little', () => {
    const windows = opened(NOON);
    windows.note(7, NOON, LEVEL);
    windows.close(NOON + 30_000, anybody);
    windows.sent();
    windows.note(7, NOON, LEVEL);

    expect(closedAt(windows, NOON + 2000)).toEqual([]);
    expect(windows.openFrom).toBe(NOON + 29_000);
  });

  it('come again where a time is lived again', () => {
    const windows = opened(NOON);
    windows.close(NOON + 3_600_000, anybody);
    closedAt(windows, NOON);
    windows.note(7, NOON + 10, LEVEL);

    expect(closedAt(windows, NOON + 1300)).toEqual([0]);
  });

  it('are all closed where the clock is set on', () => {
    const windows = opened(NOON);
    windows.note(7, NOON, LEVEL);

    expect(closedAt(windows, NOON + 86_400_000)).toEqual([0]);
    windows.note(7, NOON + 86_400_000, LEVEL);
    expect(closedAt(windows, NOON + 86_401_300)).toEqual([86_400_000]);
  });
});

describe('the series noted of windows', () => {
  it('become any series where they are too many', () => {
    const noted = new RecordedWindows(new NotedRoom(3));
    for (const series of [1, 2]) noted.note(0, series, LEVEL);
    for (const series of [1, 2, 3]) noted.note(SECOND, series, LEVEL);

    expect(noted.take(0)).toEqual(new Map([1, 2].map((series) => [series, LEVEL])));
    expect(noted.take(SECOND)).toBe('any');
    for (const series of [1, 2, 3]) noted.note(SECOND, series, LEVEL);
    expect(noted.take(SECOND)).toEqual(new Map([1, 2, 3].map((series) => [series, LEVEL])));
  });
});

describe('the room for noted series', () => {
  it('is shared by all windows of a tenant, and free again when nobody wants them any more', () => {
    const room = new NotedRoom(3);
    const [one, other] = [0, 1].map(() => new OpenWindows(ACME, ORDERS, '1s', NOON, room, false));
    for (const series of [1, 2, 3]) one!.note(series, NOON + 200_000, LEVEL);
    other!.note(4, NOON, LEVEL);
    expect(other!.close(NOON + 1300, anybody)).toMatchObject([{ recorded: 'any' }]);
    one!.drop();
    other!.note(4, NOON + 2000, LEVEL);

    expect(other!.close(NOON + 3300, anybody)).toMatchObject([{ recorded: new Map([[4, LEVEL]]) }]);
  });
});

describe('the states of a window', () => {
  const valuesAt = (windows: OpenWindows, now: number, isWanted: (key: string) => boolean = anybody) =>
    windows
      .close(now, isWanted)
      .flatMap(({ collected }) => collected)
      .map(({ filterKey, points }) => [filterKey, ...[...points].map(({ aggregate }) => aggregate.value)]);

  it('come to a gauge’s mean', () => {
    const windows = opened(NOON);
    for (const value of [1, 2, 6]) windows.add(stateAt(NOON + value, value));
    expect(valuesAt(windows, NOON + 1300)).toEqual([['', 3]]);
  });

  it('come to what a counter grew by since the state before, its resets included', () => {
    const windows = opened(NOON);
    for (const [at, value] of [100, 103, 2, 7].entries()) windows.add(stateAt(NOON + at, value, 'counter'));
    expect(valuesAt(windows, NOON + 1300)).toEqual([['', 10]]);
    windows.add(stateAt(NOON + 1400, 9, 'counter'));
    expect(valuesAt(windows, NOON + 2300)).toEqual([['', 2]]);
  });

  it('do not take what a counter had before the first of them for an increase', () => {
    const windows = opened(NOON);
    windows.add(stateAt(NOON, 5_000_000, 'counter'));
    expect(valuesAt(windows, NOON + 1300)).toEqual([['', 0]]);
  });

  it('come to a histogram’s median', () => {
    const windows = opened(NOON);
    for (const value of [10, 1000, 20]) windows.add(stateAt(NOON, value, 'histogram'));
    const [[, median] = []] = valuesAt(windows, NOON + 1300);
    expect(median).toBeGreaterThan(19.8);
    expect(median).toBeLessThan(20.2);
  });

  it('are aggregated view by view, and those of a view that nobody wants any more are forgotten', () => {
    const windows = opened(NOON);
    const shops = ['north', 'south'].map((shop) => filterOf({ shop }));
    shops.forEach((filter, index) => windows.add(stateAt(NOON, index, 'gauge', filter)));
    expect(valuesAt(windows, NOON + 1300, (key) => key.includes('north'))).toEqual([['{"shop":["north"]}', 0]]);
    shops.forEach((filter, index) => windows.add(stateAt(NOON + 1400, index, 'gauge', filter)));
    expect(valuesAt(windows, NOON + 2300)).toEqual([
      ['{"shop":["north"]}', 0],
      ['{"shop":["south"]}', 1],
    ]);
  });

  it('count for the window in which they came where theirs is closed', () => {
    const windows = opened(NOON);
    windows.close(NOON + 1300, anybody);
    windows.add(stateAt(NOON + 900, 5));
    expect(closedAt(windows, NOON + 2300)).toEqual([1000]);
  });

  it('bring the error where their points cannot be made', () => {
    const windows = opened(NOON);
    const error = new Error('no points');
    windows.add(stateAt(NOON, 3));
    windows.add(
      stateFor(NO_FILTER, {
        timestamp: NOON,
        points: () => {
          throw error;
        },
      }),
    );
    const [due] = windows.close(NOON + 1300, anybody);
    expect(due?.collected[0]).toMatchObject({ filterKey: '', error });
    expect([...due!.collected[0]!.points]).toHaveLength(1);
  });
});
