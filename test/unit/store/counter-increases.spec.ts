import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type StoredReading, increasesAmong } from '../../../src/store/counter-increases.js';

const reading = (timestamp: number, value: number) => ({ timestamp, value });
const stored = (id: number, timestamp: number, value: number, increase: number | null): StoredReading => ({
  id,
  timestamp,
  value,
  increase,
});

it('the first reading of all is its own increase', () => {
  expect(increasesAmong([reading(1, 7)], [])).toEqual({ increases: [7], changed: [] });
});

it('readings grow from one another by time, whatever the order of their arrival', () => {
  const { increases } = increasesAmong([reading(3, 30), reading(1, 10), reading(2, 12)], []);
  expect(increases).toEqual([18, 10, 2]);
});

it('a counter that fell began again', () => {
  expect(increasesAmong([reading(2, 3), reading(3, 4)], [stored(1, 1, 10, 10)]).increases).toEqual([3, 1]);
});

it('of one instant, what arrives later comes after', () => {
  const { increases, changed } = increasesAmong([reading(1, 12), reading(1, 15)], [stored(9, 1, 10, 10)]);
  expect(increases).toEqual([2, 3]);
  expect(changed).toEqual([]);
});

it('a late reading takes its part of the increase of the one after it', () => {
  const { increases, changed } = increasesAmong([reading(2, 15)], [stored(2, 3, 18, 8), stored(1, 1, 10, 10)]);
  expect(increases).toEqual([5]);
  expect(changed).toEqual([{ ...stored(2, 3, 18, 3), by: -5 }]);
});

it('a late reading that shows a fall makes the increase larger', () => {
  const { increases, changed } = increasesAmong([reading(2, 4)], [stored(1, 1, 10, 10), stored(2, 3, 18, 8)]);
  expect(increases).toEqual([4]);
  expect(changed).toEqual([{ ...stored(2, 3, 18, 14), by: 6 }]);
});

it('where all before it is deleted, a late reading grew from what the next one says was there', () => {
  const next = stored(2, 3, 0.3, 0.3 - 0.1);
  expect(increasesAmong([reading(2, 0.25)], [next]).increases[0]).toBeCloseTo(0.15);
  // It is 0.1 again, and not a fall by the last bit of a calculation.
  expect(increasesAmong([reading(2, 0.1)], [next]).increases).toEqual([0]);
});

it('before the first reading of all there was nothing', () => {
  const { increases, changed } = increasesAmong([reading(0, 4)], [stored(1, 1, 10, 10)]);
  expect(increases).toEqual([4]);
  expect(changed).toEqual([{ ...stored(1, 1, 10, 6), by: -4 }]);
});

it('what was never known stays unknown', () => {
  const { increases, changed } = increasesAmong([reading(0, 4), reading(2, 11)], [stored(1, 1, 10, null)]);
  expect(increases).toEqual([4, 1]);
  expect(changed).toEqual([]);
});

it('an increase is never more than what can be added up', () => {
  const { increases } = increasesAmong([reading(1, -1.7e308), reading(2, 1.7e308)], []);
  expect(increases).toEqual([-8e307, 8e307]);
});

it('readings that come one by one, each among its neighbours, grow as they all do together', () => {
  const readings = fc.array(fc.record({ timestamp: fc.nat(20), value: fc.nat(50) }), { maxLength: 30 });
  fc.assert(
    fc.property(readings, (arrivals) => {
      let known: StoredReading[] = [];
      arrivals.forEach((arrival, id) => {
        const before = known.filter(({ timestamp }) => timestamp <= arrival.timestamp).at(-1);
        const after = known.find(({ timestamp }) => timestamp > arrival.timestamp);
        const { increases, changed } = increasesAmong(
          [arrival],
          [before, after].filter((one) => one !== undefined),
        );
        known = known.map((one) => {
          const now = changed.find((other) => other.id === one.id);
          return now ? stored(now.id, now.timestamp, now.value, now.increase) : one;
        });
        known.push({ id, ...arrival, increase: increases[0]! });
        known.sort((one, other) => one.timestamp - other.timestamp || one.id - other.id);
      });
      const { increases } = increasesAmong(arrivals, []);
      expect(known.map(({ id, increase }) => [id, increase])).toEqual(known.map(({ id }) => [id, increases[id]]));
    }),
  );
});
