import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backlog } from '../../../src/hub/backlog.js';
import type { Delivery } from '../../../src/hub/delivery.js';
import type { Message, SampleType, Tags } from '../../../src/protocol/index.js';
import {
  ORDERS,
  channelName,
  eventWith,
  failureFor,
  publicationOf,
  sampleWith,
  stateFor,
} from '../../support/publications.js';
import { isWithin, lowerQuantile } from '../../support/quantiles.js';
import { deliveryOf, ownFrame } from './deliveries.js';
import { type Group, NaiveBacklog, isAlike, isFirm, sampleOf } from './naive-backlog.js';

const CHANNELS = [ORDERS, channelName('carts.metrics')];
const TAGS: Tags[] = [{}, { env: 'a' }];

type Action =
  | {
      do: 'publish';
      kind: Message['kind'] | 'own frame';
      channel: number;
      type: SampleType;
      tags: number;
      value: number;
    }
  | { do: 'take'; room: number };

/** Mostly like the others, and at times far off. A counter grows by it, and was reset where it is below zero. */
const value = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: 100 }), weight: 4 },
  {
    arbitrary: fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((number) => (Math.abs(number) < 1e-9 ? 0 : number)),
    weight: 1,
  },
  { arbitrary: fc.constantFrom(0, 1e-9, -1e-9, 1e15), weight: 1 },
);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      kind: fc.oneof(
        { arbitrary: fc.constant('sample' as const), weight: 6 },
        {
          arbitrary: fc.constantFrom<Message['kind'] | 'own frame'>('state', 'failure', 'event', 'own frame'),
          weight: 4,
        },
      ),
      channel: fc.nat(CHANNELS.length - 1),
      type: fc.constantFrom<SampleType>('gauge', 'counter', 'histogram'),
      tags: fc.nat(TAGS.length - 1),
      value,
    }),
    weight: 10,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      room: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 5000 })),
    }),
    weight: 1,
  },
);

/** A frame as it left, and what it stands for by the naive backlog's account. */
interface Sent {
  readonly frame: Buffer;
  readonly group: Group;
  readonly message: Readonly<Record<string, unknown>>;
}

test('a backlog sends what a naive one would, and says of each frame what it stands for', () => {
  let merged = 0;
  run((published, sent, backlog) => {
    for (const { frame, group, message } of sent) {
      const newest = group.at(-1)!;
      if (group.length === 1) expect(frame).toBe(newest.frame);
      else expect(message['conflated']).toBe(group.length);
      expect(numberOf(message)).toBe(published.indexOf(newest));
    }
    expect(sent.flatMap(({ group }) => group)).toHaveLength(published.length);
    expect(backlog.conflated).toBe(published.length - sent.length);
    merged += backlog.conflated;
  });
  // A model in which nothing is merged would agree with anything.
  expect(merged).toBeGreaterThan(300);
});

test('nothing that leaves a backlog overtakes anything', () => {
  run((_published, sent) => {
    const numbers = sent.map(({ message }) => numberOf(message));
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  });
});

test('events and frames of its own leave a backlog as they came, to the last', () => {
  run((published, sent) => {
    const firm = published.filter(isFirm).map(({ frame }) => frame);
    const received = sent.filter(({ group }) => isFirm(group[0]!)).map(({ frame }) => frame);
    expect(received).toHaveLength(firm.length);
    received.forEach((frame, at) => expect(frame).toBe(firm[at]));
  });
});

test('of each state and each series a backlog sends the newest in the end, and counts all of them', () => {
  run((published, sent) => {
    for (const [all, received] of bySubject(published, sent)) {
      expect(numberOf(received.at(-1)!.message)).toBe(published.indexOf(all.at(-1)!));
      const counts = received.map(({ message }) => (message['conflated'] as number | undefined) ?? 1);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(all.length);
    }
  });
});

test('the increases of a counter sum up to the same, whatever a backlog merged', () => {
  run((published, sent) => {
    for (const [all, received] of bySubject(published, sent, 'counter')) {
      const exact = increaseOf(all.map((each) => sampleOf(each)!.value));
      expect(increaseOf(received.map(({ message }) => message['data'] as number))).toBe(exact);
    }
  });
});

test('a merged histogram says how its observations are distributed', () => {
  run((published, sent) => {
    for (const [all, received] of bySubject(published, sent, 'histogram')) {
      const observations = all.map((each) => sampleOf(each)!.value);
      for (const { message } of received) {
        const count = (message['conflated'] as number | undefined) ?? 1;
        const own = observations.splice(0, count);
        if (count === 1) {
          expect(message).not.toHaveProperty('count');
          expect(message['data']).toBe(own[0]);
          continue;
        }
        const sum = own.reduce((total, each) => total + each, 0);
        expect(message).toMatchObject({ count, sum, min: Math.min(...own), max: Math.max(...own) });
        for (const [name, share] of [
          ['data', 0.5],
          ['p50', 0.5],
          ['p95', 0.95],
          ['p99', 0.99],
        ] as const) {
          expect(message[name]).toSatisfy(isWithin(0.01, lowerQuantile(own, share)));
        }
      }
      expect(observations).toEqual([]);
    }
  });
});

/** Has a backlog and a naive one run side by side, and shows what came of it. */
function run(check: (published: readonly Delivery[], sent: readonly Sent[], backlog: Backlog) => void): void {
  const actions = fc.array(action, { minLength: 1, maxLength: 150, size: 'max' });
  const property = fc.property(actions, (all) => {
    const [backlog, naive] = [new Backlog(), new NaiveBacklog()];
    const published: Delivery[] = [];
    const sent: Sent[] = [];
    const totals = new Map<string, number>();
    for (const each of [...all, { do: 'take', room: Infinity } as const]) {
      if (each.do === 'publish') {
        const delivery = deliveryFor(each, published.length, totals);
        published.push(delivery);
        backlog.add(delivery);
        naive.add(delivery);
      } else {
        sent.push(...take(backlog, naive, each.room));
      }
      expect(backlog.bytes).toBe(naive.bytes);
      expect(backlog.firmBytes).toBe(naive.firmBytes);
      expect(backlog.isEmpty).toBe(naive.isEmpty);
    }
    expect(backlog.isEmpty).toBe(true);
    check(published, sent, backlog);
  });
  fc.assert(property, { numRuns: 60 });
}

function take(backlog: Backlog, naive: NaiveBacklog, room: number): Sent[] {
  const wasEmpty = naive.isEmpty;
  const frames = backlog.take(room);
  const taken = frames.reduce((sum, { length }) => sum + length, 0);
  // As many as there is room for, the last one at most in part.
  if (!backlog.isEmpty) expect(taken).toBeGreaterThanOrEqual(room);
  if (!wasEmpty) expect(taken - frames.at(-1)!.length).toBeLessThan(room);
  return frames.map((frame) => ({
    frame,
    group: naive.take()!,
    message: JSON.parse(frame.toString()) as Record<string, unknown>,
  }));
}

function deliveryFor(action: Action & { do: 'publish' }, number: number, totals: Map<string, number>): Delivery {
  const { kind, channel, type, tags } = action;
  if (kind === 'own frame') return ownFrame(`${number}`);
  const make = {
    sample: () =>
      sampleWith({ type, tags: TAGS[tags]!, value: type === 'counter' ? total(action, totals) : action.value }),
    event: eventWith,
    state: stateFor,
    failure: failureFor,
  };
  return deliveryOf(publicationOf(make[kind](), { channel: CHANNELS[channel]!, offset: number }));
}

/** What the counter has reached; a whole number, so that its increases can be summed without an error. */
function total({ channel, tags, value: given }: Action & { do: 'publish' }, totals: Map<string, number>): number {
  const by = Math.trunc(Math.abs(given)) % 1e9;
  const reached = given < 0 ? by : (totals.get(`${channel} ${tags}`) ?? 0) + by;
  totals.set(`${channel} ${tags}`, reached);
  return reached;
}

/** Which of all publications a frame shows. */
function numberOf(message: Sent['message']): number {
  return (message['offset'] as number | undefined) ?? Number((message['data'] as { text: string }).text);
}

/** What was published of each thing that can be replaced, and what was sent of it. */
function bySubject(published: readonly Delivery[], sent: readonly Sent[], type?: SampleType): [Delivery[], Sent[]][] {
  const firsts = published.filter(
    (each, at) => !isFirm(each) && !published.slice(0, at).some((one) => isAlike(one, each)),
  );
  return firsts
    .filter((first) => !type || sampleOf(first)?.type === type)
    .map((first) => [
      published.filter((each) => isAlike(first, each)),
      sent.filter(({ group }) => isAlike(first, group[0]!)),
    ]);
}

/** By Prometheus' rule: a counter that fell began anew from zero. */
function increaseOf(values: readonly number[]): number {
  const increases = values.map((each, at) => (at > 0 && each >= values[at - 1]! ? each - values[at - 1]! : each));
  return increases.reduce((sum, increase) => sum + increase, 0);
}
