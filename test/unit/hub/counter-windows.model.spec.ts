import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backlog } from '../../../src/hub/backlog.js';
import { Delivery } from '../../../src/hub/delivery.js';
import type { Renderer } from '../../../src/hub/index.js';
import { Rendering } from '../../../src/hub/rendering.js';
import type { Interval, Sample } from '../../../src/protocol/index.js';
import { lineFraming } from '../../support/plain-dialect.js';
import { publicationOf, sampleWith } from '../../support/publications.js';

/** A window as it is published, and as it arrives. */
interface WindowFrame {
  readonly series: string;
  readonly start: number;
  readonly value: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly offset: number;
  readonly conflated?: number;
}

const renderer: Renderer = {
  name: 'windows',
  render: ({ message, offset }) => {
    const { tags, window, value, timestamp, summary } = message as Sample;
    const series = `${tags['shop']} ${window!.interval} ${window!.filterKey ?? '*'}`;
    return [{ series, start: timestamp, value, ...summary, offset }];
  },
};
const rendering = new Rendering(renderer, lineFraming(), 'snapshot');

const published = fc.record({
  shop: fc.constantFrom('north', 'south'),
  interval: fc.constantFrom<Interval>('1s', '1m'),
  filterKey: fc.constantFrom(undefined, '', '{"env":["a"]}'),
  // Mostly the next window, and at times one that was late.
  start: fc.integer({ min: -2000, max: 5000 }),
  values: fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 5 }),
  increase: fc.nat(1000),
});
const room = fc.integer({ min: 1, max: 500 });
const action = fc.oneof(
  { arbitrary: published.map((window) => ({ window })), weight: 8 },
  { arbitrary: room.map((bytes) => ({ bytes })), weight: 1 },
);

test('what is sent of the windows of a counter sums up to what was published, whatever was merged', () => {
  let merged = 0;
  const property = fc.property(fc.array(action, { maxLength: 200, size: 'max' }), (actions) => {
    const backlog = new Backlog();
    const all = new Map<string, WindowFrame[]>();
    const received: WindowFrame[] = [];
    const take = (bytes: number) => {
      for (const frame of backlog.take(bytes)) received.push(JSON.parse(frame.toString()) as WindowFrame);
    };
    actions.forEach((each, at) => {
      if ('bytes' in each) return take(each.bytes);
      const { delivery, frame } = windowOf(each.window, at);
      backlog.add(delivery);
      all.set(frame.series, [...(all.get(frame.series) ?? []), frame]);
      // A newer window can stand in for each of them: none makes a reader be given up at once.
      expect(backlog.firmBytes).toBe(0);
    });
    take(Infinity);

    expect(received.map(({ offset }) => offset)).toEqual(received.map(({ offset }) => offset).sort((a, b) => a - b));
    for (const frame of received) {
      const own = all.get(frame.series)!.splice(0, frame.conflated ?? 1);
      expect(frame).toEqual(sumOf(own));
    }
    expect([...all.values()].flat()).toEqual([]);
    merged += backlog.conflated;
  });
  fc.assert(property, { numRuns: 100 });
  // A model in which nothing is merged would agree with anything.
  expect(merged).toBeGreaterThan(300);
});

function windowOf({ shop, interval, filterKey, start, values, increase }: Published, offset: number) {
  const summary = {
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    min: Math.min(...values),
    max: Math.max(...values),
  };
  const tags = { shop };
  const window = filterKey === undefined ? { interval } : { interval, filterKey };
  const timestamp = offset * 1000 + start;
  const sample = sampleWith({ type: 'counter', value: increase, timestamp, tags, summary, window });
  const publication = publicationOf(sample, { offset });
  const delivery = new Delivery(rendering.frameOf(publication)!, { publication, rendering });
  return { delivery, frame: JSON.parse(delivery.frame.toString()) as WindowFrame };
}

type Published = typeof published extends fc.Arbitrary<infer Window> ? Window : never;

/** Several windows of one series as one. */
function sumOf(windows: readonly WindowFrame[]): WindowFrame {
  const { series, offset } = windows.at(-1)!;
  const total = (of: (window: WindowFrame) => number) => windows.reduce((sum, window) => sum + of(window), 0);
  return {
    series,
    start: Math.max(...windows.map(({ start }) => start)),
    value: total(({ value }) => value),
    count: total(({ count }) => count),
    sum: total(({ sum }) => sum),
    min: Math.min(...windows.map(({ min }) => min)),
    max: Math.max(...windows.map(({ max }) => max)),
    offset,
    ...(windows.length > 1 && { conflated: windows.length }),
  };
}
