import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../../src/hub/delivery.js';
import type { Millis } from '../../../src/protocol/index.js';
import { channelName } from '../../support/publications.js';
import { event, ownFrame, state } from './deliveries.js';
import { type Received, SlowReader } from './slow-reader.js';

const CHANNELS = Array.from({ length: 8 }, (_, at) => channelName(`channel_${at}.metrics`));

/** A reader that was greeted, as nearly all are, before there is anything to tell it. */
function greetedReader(rate: number): SlowReader {
  const reader = new SlowReader(rate);
  reader.publish(ownFrame('welcome', 200));
  reader.pass(1000);
  reader.received.splice(0);
  return reader;
}

/** Publishes a state of each channel, as often and as large as that, for so long. Each says when it was published. */
function publishFor(millis: Millis, reader: SlowReader, { every, size }: { every: Millis; size: number }): void {
  for (const end = reader.now + millis; reader.now < end; reader.pass(every)) {
    reader.publish(...CHANNELS.map((channel) => state(`${reader.now}`, { channel, size })));
    expect(reader.outbox.isOverdue(reader.now)).toBe(false);
  }
}

function textOf({ message }: Received): string {
  return (message['data'] as { text: string }).text;
}

/** How old each was when it was read. */
function agesOf(received: readonly Received[]): Millis[] {
  return received.map((one) => one.at - Number(textOf(one)));
}

describe('a reader of 1 kB/s who is offered 8 kB/s', () => {
  test.each([
    // All channels together take `once` to be read once. What began to leave leaves before anything newer.
    { every: 200, size: 200, once: 1600, oldest: 5200 },
    { every: 1000, size: 1000, once: 8000, oldest: 11_000 },
  ])('reads in the end what was published a few seconds before, of all channels: $size B each $every ms', (shape) => {
    const reader = greetedReader(1000);
    publishFor(60_000, reader, shape);
    const settled = reader.received.length;
    publishFor(100_000, reader, shape);

    const received = reader.received.slice(settled);
    expect(Math.max(...agesOf(received))).toBeLessThanOrEqual(shape.oldest);
    const counts = CHANNELS.map((channel) => received.filter(({ message }) => message['channel'] === channel).length);
    expect(Math.min(...counts)).toBeGreaterThan((0.9 * 100_000) / shape.once);
    // It has something to read all the time.
    expect(received.length * shape.size).toBeGreaterThan(99_000);
    expect(reader.bytesUnderWay).toBeLessThan(3000);
  });

  test('reads in the end what was published lately also where it was not greeted, but sent 8 kB at once', () => {
    const reader = new SlowReader(1000);
    // Until its first answer nothing tells how it reads: that is eight seconds of eight times what it can read.
    publishFor(120_000, reader, { every: 1000, size: 1000 });
    const settled = reader.received.length;
    publishFor(100_000, reader, { every: 1000, size: 1000 });

    expect(Math.max(...agesOf(reader.received.slice(settled)))).toBeLessThanOrEqual(11_000);
  });

  test('reads everything again once it reads quickly', () => {
    const reader = greetedReader(1000);
    publishFor(60_000, reader, { every: 200, size: 200 });
    reader.rate = 1_000_000;
    publishFor(5000, reader, { every: 200, size: 200 });
    const before = reader.received.length;
    const { conflated } = reader.outbox;
    publishFor(10_000, reader, { every: 200, size: 200 });

    expect(reader.received.length - before).toBe(50 * CHANNELS.length);
    expect(reader.outbox.conflated).toBe(conflated);
    expect(Math.max(...agesOf(reader.received.slice(before)))).toBeLessThanOrEqual(100);
  });
});

describe('a reader who keeps up', () => {
  test('gets everything at once, and is pinged once in five seconds', () => {
    const reader = greetedReader(10_000_000);
    publishFor(20_000, reader, { every: 10, size: 500 });

    expect(reader.outbox.conflated).toBe(0);
    expect(reader.received).toHaveLength(2000 * CHANNELS.length);
    expect(Math.max(...agesOf(reader.received))).toBeLessThanOrEqual(10);
    expect(reader.pings).toBeGreaterThanOrEqual(4);
    expect(reader.pings).toBeLessThanOrEqual(6);
  });

  test('is asked within 5 s, once it was sent 64 KiB, however bursts and quiet times follow each other', () => {
    const burst = fc.record({ size: fc.integer({ min: 200, max: 100_000 }), quiet: fc.integer({ min: 0, max: 3000 }) });
    const property = fc.property(fc.array(burst, { minLength: 20, maxLength: 80 }), (bursts) => {
      const reader = greetedReader(10_000_000);
      let [unasked, askedAt, pings] = [0, reader.now, reader.pings];
      for (const { size, quiet } of bursts) {
        reader.publish(state(`${reader.now}`, { size }));
        unasked += size;
        if (reader.pings > pings) [unasked, askedAt, pings] = [0, reader.now, reader.pings];
        expect(unasked < 64 * 1024 || reader.now - askedAt < 5000).toBe(true);
        reader.pass(quiet);
      }
    });
    fc.assert(property, { numRuns: 100 });
  });

  test('gets everything at once where it ignores pings', () => {
    const reader = new SlowReader(10_000_000);
    reader.answers = 'none';
    publishFor(20_000, reader, { every: 100, size: 500 });

    expect(reader.outbox.conflated).toBe(0);
    expect(reader.received).toHaveLength(200 * CHANNELS.length);
    expect(reader.pings).toBe(1);
  });
});

type Action =
  | { do: 'publish'; what: 'event' | number; size: number }
  | { do: 'pass'; millis: Millis }
  | { do: 'read at'; rate: number }
  | { do: 'answer'; pings: SlowReader['answers'] }
  | { do: 'ping' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      what: fc.oneof(fc.constant('event' as const), fc.nat(CHANNELS.length - 1)),
      size: fc.integer({ min: 150, max: 4000 }),
    }),
    weight: 10,
  },
  { arbitrary: fc.record({ do: fc.constant('pass' as const), millis: fc.nat(3000) }), weight: 6 },
  {
    arbitrary: fc.record({ do: fc.constant('read at' as const), rate: fc.constantFrom(0, 500, 10_000, 1e7) }),
    weight: 2,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      pings: fc.constantFrom<SlowReader['answers'][]>('all', 'latest', 'none'),
    }),
    weight: 1,
  },
  { arbitrary: fc.constant({ do: 'ping' as const }), weight: 1 },
);

test('whatever was, a reader that reads on and answers gets all that waits for it, in order', () => {
  let conflated = 0;
  const property = fc.property(fc.array(action, { maxLength: 120, size: 'max' }), (actions) => {
    const reader = new SlowReader(500);
    const published: Delivery[] = [];
    for (const each of actions) {
      if (each.do === 'pass') reader.pass(each.millis);
      else if (each.do === 'read at') reader.rate = each.rate;
      else if (each.do === 'answer') reader.answers = each.pings;
      else if (each.do === 'ping') reader.ping();
      else {
        const { what, size } = each;
        const text = `${published.length}`;
        published.push(what === 'event' ? event(text, size) : state(text, { channel: CHANNELS[what]!, size }));
        reader.publish(published.at(-1)!);
      }
    }
    [reader.rate, reader.answers] = [1e7, 'all'];
    reader.pass(5000);
    // Who answered all that it was asked need not be asked for a sign of life; else that answers what it did not.
    if (actions.some((each) => each.do === 'answer')) {
      reader.ping();
      reader.pass(5000);
    }

    expect(reader.outbox.isEmpty).toBe(true);
    expect(reader.bytesUnderWay).toBe(0);
    const received = reader.received.map((one) => Number(textOf(one)));
    expect(received).toEqual(received.toSorted((one, other) => one - other));
    expect(published.length - received.length).toBe(reader.outbox.conflated);
    const numbers = [...published.keys()];
    const isEvent = (number: number) => published[number]!.series === undefined;
    expect(received.filter(isEvent)).toEqual(numbers.filter(isEvent));
    for (const channel of CHANNELS) {
      const isOfChannel = (number: number) => published[number]!.series === channel;
      expect(received.findLast(isOfChannel)).toBe(numbers.findLast(isOfChannel));
    }
    conflated += reader.outbox.conflated;
  });
  fc.assert(property, { numRuns: 300 });
  // Where nobody was held back, nothing is shown.
  expect(conflated).toBeGreaterThan(100);
});
