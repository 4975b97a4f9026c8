import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Backlog } from '../../../src/hub/backlog.js';
import { Delivery } from '../../../src/hub/delivery.js';
import { Rendering } from '../../../src/hub/rendering.js';
import { type Sample, NO_FILTER } from '../../../src/protocol/index.js';
import { PlainDialect, lineFraming } from '../../support/plain-dialect.js';
import { channelName, failureFor, publicationOf, sampleWith, stateFor } from '../../support/publications.js';
import { deliveryOf, event, ownFrame, state } from './deliveries.js';

const CARTS = channelName('carts.metrics');

let backlog: Backlog;
beforeEach(() => (backlog = new Backlog()));

function add(...samples: Partial<Sample>[]): void {
  for (const sample of samples) backlog.add(deliveryOf(publicationOf(sampleWith(sample))));
}

function take(room = Infinity): Record<string, unknown>[] {
  const lines = Buffer.concat(backlog.take(room)).toString().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What is taken, as `value` or, where that stands for several, `value ×count`. */
function valuesTaken(): string[] {
  return take().map(({ data, conflated }) =>
    conflated ? `${data as number} ×${conflated as number}` : `${data as number}`,
  );
}

describe('what waits', () => {
  test('of a gauge is its last value, with the number of those that it stands for', () => {
    add({ value: 3 }, { value: 1 }, { value: 2 });
    expect(valuesTaken()).toEqual(['2 ×3']);
    expect(backlog.conflated).toBe(2);
  });

  test('is what everybody else was sent, where it stands for nothing but itself', () => {
    const deliveries = [state('orders'), event('event'), ownFrame('own'), state('carts', { channel: CARTS })];
    for (const delivery of deliveries) backlog.add(delivery);
    const frames = backlog.take(Infinity);
    expect(frames).toHaveLength(4);
    frames.forEach((frame, at) => expect(frame).toBe(deliveries[at]!.frame));
  });

  test('of a counter is its first value and its newest, and both sides of a reset', () => {
    add(...[5, 7, 7, 9, 2, 4, 6, 0, 3].map((value) => ({ type: 'counter' as const, value })));
    expect(valuesTaken()).toEqual(['5', '9 ×3', '2', '6 ×2', '0', '3']);
  });

  test('of a counter begins anew with what began to leave', () => {
    const counted = (value: number) => ({ type: 'counter' as const, value });
    add(counted(5), counted(6), counted(7));
    expect(take(1)).toMatchObject([{ data: 5 }]);
    // Not seen by the reader: that it was reset after 7, and has passed that since.
    add(counted(2), counted(8), counted(9));
    expect(valuesTaken()).toEqual(['7 ×2', '2', '9 ×2']);
  });

  test('of a gauge aggregated over windows, or of a histogram, is the newest window as it is', () => {
    const summary = { count: 2, sum: 4, min: 1, max: 3 };
    for (const type of ['gauge', 'histogram'] as const) {
      add(...[1, 2, 3].map((value) => ({ type, value, summary, window: { interval: '1s' as const } })));
      expect(take()).toEqual([expect.objectContaining({ data: 3, conflated: 3, ...summary })]);
    }
  });

  test('of a counter aggregated over windows is their sum: every increase is in one alone', () => {
    const window = { interval: '1s' as const };
    const summaries = [
      { count: 2, sum: 30, min: 10, max: 20 },
      { count: 1, sum: 21, min: 21, max: 21 },
      { count: 3, sum: 12, min: 2, max: 6 },
    ];
    add(...summaries.map((summary, at) => ({ type: 'counter' as const, value: at + 1, summary, window })));
    expect(backlog.firmBytes).toBe(0);
    expect(take()).toEqual([expect.objectContaining({ data: 6, conflated: 3, count: 6, sum: 63, min: 2, max: 21 })]);
    expect(backlog.conflated).toBe(2);
  });

  test('of windows is kept apart from values, by their length and by view', () => {
    const views = [{ interval: '1s' }, { interval: '1m' }, { interval: '1s', filterKey: '{"env":["a"]}' }] as const;
    const windows = views.map((window) => ({ value: 2, window }));
    add({ value: 1 }, ...windows, { value: 3 }, ...windows);
    expect(valuesTaken()).toEqual(['3 ×2', '2 ×2', '2 ×2', '2 ×2']);
  });

  test('of a histogram is one frame with the distribution of all observations, the median as its value', () => {
    add(...[30, 10, 20].map((value) => ({ type: 'histogram' as const, value })));
    const [frame, ...others] = take();
    expect(frame).toMatchObject({ name: 'orders.placed', type: 'histogram', conflated: 3 });
    expect(frame).toMatchObject({ count: 3, sum: 60, min: 10, max: 30 });
    const { data, p50, p95, p99 } = frame as Record<'data' | 'p50' | 'p95' | 'p99', number>;
    expect(data).toBe(p50);
    expect(p50 / 20).toBeCloseTo(1, 1);
    expect([p95, p99].every((quantile) => quantile >= p50 && quantile <= 30)).toBe(true);
    expect(frame).not.toHaveProperty('last');
    expect(others).toEqual([]);
  });

  test('of a histogram with one observation is that observation', () => {
    add({ type: 'histogram', value: 30 });
    const [frame] = take();
    expect(frame).toMatchObject({ data: 30 });
    expect(frame).not.toHaveProperty('count');
    expect(frame).not.toHaveProperty('conflated');
  });

  test('is merged with the same series alone: channel, type, name and tags', () => {
    add({ value: 1 }, { value: 2, type: 'histogram' }, { value: 3, name: 'other' }, { value: 4, tags: { env: 'a' } });
    add({ value: 5, tags: { env: 'b' } }, { value: 6, name: 'orders.placed {"env":"a"}' });
    backlog.add(deliveryOf(publicationOf(sampleWith({ value: 7 }), { channel: CARTS })));
    expect(valuesTaken()).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(backlog.conflated).toBe(0);
  });

  test('of a state is the failure that came after it, and the other way round', () => {
    for (const message of [stateFor(), failureFor(), stateFor(), failureFor()]) {
      backlog.add(deliveryOf(publicationOf(message)));
    }
    expect(take()).toMatchObject([{ kind: 'failure', conflated: 4 }]);
    for (const message of [failureFor(), stateFor()]) backlog.add(deliveryOf(publicationOf(message)));
    expect(take()).toMatchObject([{ kind: 'state', conflated: 2 }]);
  });

  test('of a state as points says with each point how many it stands for', () => {
    const rendering = new Rendering(new PlainDialect(), lineFraming(), 'points');
    for (const value of [1, 2, 3]) {
      const points = () => ['a', 'b'].map((name) => sampleWith({ name, value }));
      const publication = publicationOf(stateFor(NO_FILTER, { points }));
      backlog.add(new Delivery(rendering.frameOf(publication)!, { publication, rendering }));
    }
    expect(take()).toMatchObject(['a', 'b'].map((name) => ({ name, value: 3, conflated: 3 })));
  });

  test('is in the words and the framing that were wanted last', () => {
    for (const name of ['before', 'after']) {
      const rendering = new Rendering(new PlainDialect(name), lineFraming(name), 'snapshot');
      const publication = publicationOf(stateFor());
      backlog.add(new Delivery(rendering.frameOf(publication)!, { publication, rendering }));
    }
    expect(take()).toMatchObject([{ dialect: 'after', conflated: 2 }]);
  });
});

describe('what is taken', () => {
  test('is one frame where there is room for less, and the last one may be larger than the room', () => {
    for (const text of ['a', 'b', 'c', 'd']) backlog.add(event(text, 1000));
    expect(backlog.take(1)).toHaveLength(1);
    expect(backlog.take(1001)).toHaveLength(2);
    expect(backlog.take(1000)).toHaveLength(1);
    expect(backlog.take(1000)).toEqual([]);
    expect(backlog.isEmpty).toBe(true);
  });

  test('leaves before all that came after it had begun to leave', () => {
    for (const text of ['orders 1', 'orders 2']) backlog.add(state(text));
    backlog.add(state('carts 1', { channel: CARTS }));
    expect(take(1)).toMatchObject([{ data: { text: 'orders 2' } }]);
    backlog.add(state('orders 3'));
    backlog.add(state('carts 2', { channel: CARTS }));
    backlog.add(state('carts 3', { channel: CARTS }));
    expect(take().map(({ data }) => (data as { text: string }).text)).toEqual(['carts 1', 'orders 3', 'carts 3']);
    expect(backlog.conflated).toBe(2);
  });

  test('is of every series in its turn, however often all of them are published in between', () => {
    const property = fc.property(fc.integer({ min: 1, max: 25 }), fc.nat(25), (count, shift) => {
      const own = new Backlog();
      const names = Array.from({ length: count }, (_, at) => `series ${at}`);
      const takenAt = new Map(names.map((name) => [name, 0]));
      for (let round = 1; round <= 6 * count; round++) {
        names.push(...names.splice(0, shift % count));
        for (const name of names) own.add(deliveryOf(publicationOf(sampleWith({ name, value: round }))));
        const frames = own.take(1);
        expect(frames).toHaveLength(1);
        const { name, data } = JSON.parse(frames[0]!.toString()) as { name: string; data: number };
        // It waited for each of the others at most twice, and is no older than they took to leave once.
        expect(round - takenAt.get(name)!).toBeLessThan(2 * count);
        expect(round - data).toBeLessThan(count);
        takenAt.set(name, round);
      }
      for (const at of takenAt.values()) expect(at).toBeGreaterThan(4 * count);
    });
    fc.assert(property, { numRuns: 20 });
  });
});
