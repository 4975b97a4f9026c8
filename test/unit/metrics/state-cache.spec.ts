import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Collected, StateCache } from '../../../src/metrics/index.js';
import { ACME, tenantId } from '../../support/principals.js';
import { ORDERS, channelName, failureFor, stateFor } from '../../support/publications.js';

const TICK = { tenant: ACME, channel: ORDERS };
const SECOND = 1000;

/** Collects when it is told to, and counts how often it was asked. */
class Collecting {
  calls = 0;
  #open: ((collected: Collected) => void)[] = [];
  #failing: ((error: Error) => void)[] = [];

  readonly collect = (): Promise<Collected> => {
    this.calls++;
    return new Promise((resolve, reject) => {
      this.#open.push(resolve);
      this.#failing.push(reject);
    });
  };

  /** Ends the oldest collection under way. */
  give(collected: Collected): void {
    this.#failing.shift();
    this.#open.shift()!(collected);
  }

  throw(error: Error): void {
    this.#open.shift();
    this.#failing.shift()!(error);
  }
}

let cache: StateCache;
let source: Collecting;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  cache = new StateCache();
  source = new Collecting();
});
afterEach(() => vi.useRealTimers());

const get = (tick = TICK, filterKey = '', maxAge = SECOND) => cache.get(tick, filterKey, maxAge, source.collect);
const renew = (tick = TICK, filterKey = '') => cache.renew(tick, filterKey, source.collect);

/** A view that is collected, and kept. */
async function collected(state: Collected = stateFor(), tick = TICK, filterKey = ''): Promise<Collected> {
  const result = renew(tick, filterKey);
  source.give(state);
  return result;
}

/** Whether the view is still kept; where it is not, it is collected again, which gives null. */
async function isKept(tick = TICK, filterKey = ''): Promise<boolean> {
  const before = source.calls;
  const result = get(tick, filterKey);
  if (source.calls === before) return true;
  source.give(null);
  await result;
  return false;
}

describe('a view that is asked for', () => {
  test('by many at once is collected once, and all are given the very same', async () => {
    const asked = Array.from({ length: 1000 }, () => get());
    const state = stateFor();
    source.give(state);

    for (const given of await Promise.all(asked)) expect(given).toBe(state);
    expect(source.calls).toBe(1);
  });

  test('again within the age that is good enough is not collected again', async () => {
    const state = await collected();
    vi.advanceTimersByTime(SECOND);

    expect(await get()).toBe(state);
    expect(source.calls).toBe(1);
  });

  test('again after that is collected anew', async () => {
    await collected();
    vi.advanceTimersByTime(SECOND + 1);
    const asked = get();
    const newer = stateFor();
    source.give(newer);

    expect(await asked).toBe(newer);
    expect(await get()).toBe(newer);
    expect(source.calls).toBe(2);
  });

  test('while it is being collected is not collected beside that, however long it takes', async () => {
    const slow = renew();
    vi.advanceTimersByTime(10 * SECOND);
    const asked = get();
    const state = stateFor();
    source.give(state);

    expect(await asked).toBe(state);
    expect(await slow).toBe(state);
    expect(source.calls).toBe(1);
  });

  test('is as old as the beginning of its collection', async () => {
    const slow = renew();
    vi.advanceTimersByTime(SECOND + 1);
    source.give(stateFor());
    await slow;

    expect(await isKept()).toBe(false);
  });

  test('while a tick collects it waits for that', async () => {
    await collected();
    vi.advanceTimersByTime(SECOND + 1);
    const tick = renew();
    const asked = get();
    const state = stateFor();
    source.give(state);

    expect(await asked).toBe(state);
    expect(await tick).toBe(state);
    expect(source.calls).toBe(2);
  });

  test('is given as null where there is nothing to show, without looking again', async () => {
    await collected(null);

    expect(await get()).toBeNull();
    expect(source.calls).toBe(1);
  });

  test('is another for another filter, channel or tenant', async () => {
    const views = [
      [TICK, ''],
      [TICK, '{"shop":["north"]}'],
      [{ ...TICK, channel: channelName('carts.metrics') }, ''],
      [{ ...TICK, tenant: tenantId('globex') }, ''],
    ] as const;
    const states: Collected[] = [];
    for (const [tick, filterKey] of views) states.push(await collected(stateFor(), tick, filterKey));

    for (const [at, [tick, filterKey]] of views.entries()) expect(await get(tick, filterKey)).toBe(states[at]);
    expect(source.calls).toBe(views.length);
  });
});

describe('a tick', () => {
  test('collects each time, whatever is kept', async () => {
    await collected();
    const newer = stateFor();

    expect(await collected(newer)).toBe(newer);
    expect(await get()).toBe(newer);
    expect(source.calls).toBe(2);
  });
});

describe('a failure', () => {
  test('is shown to those who wait for it, and is not kept', async () => {
    const asked = [get(), get()];
    const failure = failureFor();
    source.give(failure);

    expect(await Promise.all(asked)).toEqual([failure, failure]);
    expect(source.calls).toBe(1);
    expect(await isKept()).toBe(false);
  });

  test('takes the place of what was shown before: it is out of date', async () => {
    await collected();
    await collected(failureFor());

    expect(await isKept()).toBe(false);
  });

  test('of a tick does not take away what was collected after it began', async () => {
    const slow = renew();
    const fast = renew();
    source.give(failureFor());
    await slow;
    const state = stateFor();
    source.give(state);
    await fast;

    expect(await get()).toBe(state);
    expect(source.calls).toBe(2);
  });

  test('by an error is one as well', async () => {
    const asked = get();
    source.throw(new Error('unexpected'));

    await expect(asked).rejects.toThrow('unexpected');
    expect(await isKept()).toBe(false);
  });
});

describe('a channel that has changed', () => {
  test('is collected again, all views of it, and no others', async () => {
    const other = { ...TICK, channel: channelName('carts.metrics') };
    const elsewhere = { ...TICK, tenant: tenantId('globex') };
    for (const tick of [TICK, other, elsewhere]) await collected(stateFor(), tick);
    await collected(stateFor(), TICK, 'narrow');
    cache.forget(TICK);

    expect(await isKept(other)).toBe(true);
    expect(await isKept(elsewhere)).toBe(true);
    expect(await isKept(TICK, 'narrow')).toBe(false);
    expect(await isKept()).toBe(false);
  });

  test('while it is being collected is collected again for those who come after', async () => {
    const before = get();
    cache.forget(TICK);
    const after = get();
    const [old, current] = [stateFor(), stateFor()];
    source.give(old);
    source.give(current);

    expect(await before).toBe(old);
    expect(await after).toBe(current);
    // What ended late has not come back.
    expect(await get()).toBe(current);
    expect(source.calls).toBe(2);
  });

  test('keeps what was collected since, where what was out of date fails late', async () => {
    const before = get();
    cache.forget(TICK);
    const after = get();
    source.give(failureFor());
    source.give(stateFor());
    await Promise.all([before, after]);

    expect(await isKept()).toBe(true);
  });
});

describe('what is kept', () => {
  test('is at most 256 views of a channel: the one collected longest ago goes first', async () => {
    for (let view = 0; view < 256; view++) await collected(stateFor(), TICK, `view ${view}`);
    // Collected again, it is not the oldest any more.
    await collected(stateFor(), TICK, 'view 0');
    await collected(stateFor(), TICK, 'one more');

    expect(await isKept(TICK, 'view 0')).toBe(true);
    expect(await isKept(TICK, 'view 2')).toBe(true);
    expect(await isKept(TICK, 'view 1')).toBe(false);
  });

  test('is at most 1,000 channels of tenants: the one used longest ago goes first', async () => {
    const tickOf = (index: number) => ({ ...TICK, tenant: tenantId(`tenant-${index}`) });
    for (let index = 0; index < 1000; index++) await collected(stateFor(), tickOf(index));
    await get(tickOf(0));
    await collected(stateFor(), tickOf(1000));

    expect(await isKept(tickOf(0))).toBe(true);
    expect(await isKept(tickOf(2))).toBe(true);
    expect(await isKept(tickOf(1))).toBe(false);
  });
});
