import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Outbox } from '../../../src/hub/outbox.js';
import type { Delivery } from '../../../src/hub/delivery.js';
import { channelName } from '../../support/publications.js';
import { RecordingTransport } from '../../support/recording-transport.js';
import { countsOf, event, ownFrame, push, state, textsOf } from './deliveries.js';
import { NaiveBacklog, isFirm } from './naive-backlog.js';

const HIGH_WATER_MARK = 256 * 1024;
const CHANNELS = ['a.metrics', 'b.metrics', 'c.metrics'].map(channelName);

type Action =
  | { do: 'push'; what: 'event' | 'own frame' | number; size: number }
  | { do: 'flush' }
  /** The peer takes so much that the transport has room for so many bytes more; below zero it is behind. */
  | { do: 'make room'; bytes: number }
  | { do: 'drain' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      what: fc.oneof(fc.constantFrom('event' as const, 'own frame' as const), fc.nat(CHANNELS.length - 1)),
      // Large enough for all that a frame says, so that a conflated one is as large as it was.
      size: fc.integer({ min: 200, max: 400 }),
    }),
    weight: 8,
  },
  { arbitrary: fc.constant({ do: 'flush' as const }), weight: 3 },
  {
    arbitrary: fc.record({ do: fc.constant('make room' as const), bytes: fc.integer({ min: -1000, max: 1000 }) }),
    weight: 2,
  },
  { arbitrary: fc.constant({ do: 'drain' as const }), weight: 1 },
);

/** An outbox that puts together nothing, and looks through all that waits. */
class NaiveOutbox {
  readonly written: Delivery[] = [];
  readonly counts: number[] = [];
  isReading = true;
  buffered = 0;
  #pending: Delivery[] = [];
  #backlog = new NaiveBacklog();

  get queuedBytes(): number {
    return lengthOf(this.#pending) + this.#backlog.bytes + this.buffered;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0 && this.#backlog.isEmpty;
  }

  push(delivery: Delivery): void {
    this.#pending.push(delivery);
  }

  flush(): void {
    const pending = this.#pending.splice(0);
    // Who keeps up is given any amount.
    if (this.#backlog.isEmpty && this.buffered <= HIGH_WATER_MARK) return this.#write(pending);
    for (const delivery of pending) this.#backlog.add(delivery);
    while (!this.#backlog.isEmpty && this.buffered <= HIGH_WATER_MARK) {
      const room = HIGH_WATER_MARK - this.buffered;
      const taken: Delivery[] = [];
      while (!this.#backlog.isEmpty && (taken.length === 0 || lengthOf(taken) < room)) {
        const group = this.#backlog.take()!;
        taken.push(group.at(-1)!);
        this.counts.push(group.length);
      }
      this.#write(taken, []);
    }
  }

  #write(deliveries: readonly Delivery[], counts = deliveries.map(() => 1)): void {
    this.written.push(...deliveries);
    this.counts.push(...counts);
    if (!this.isReading) this.buffered += lengthOf(deliveries);
  }
}

test('an outbox sends what a naive one would, and counts its bytes', () => {
  let conflated = 0;
  const property = fc.property(fc.array(action, { maxLength: 150, size: 'max' }), (actions) => {
    const transport = new RecordingTransport();
    const [outbox, naive] = [new Outbox(transport), new NaiveOutbox()];
    const pushed: Delivery[] = [];
    for (const each of [...actions, { do: 'drain' } as const, { do: 'flush' } as const]) {
      switch (each.do) {
        case 'push': {
          const delivery = deliveryFor(each, pushed.length);
          pushed.push(delivery);
          push(outbox, delivery);
          naive.push(delivery);
          break;
        }
        case 'flush':
          outbox.flush(0);
          naive.flush();
          break;
        case 'make room':
          transport.stall(HIGH_WATER_MARK - each.bytes);
          [naive.isReading, naive.buffered] = [false, HIGH_WATER_MARK - each.bytes];
          break;
        case 'drain':
          transport.drain();
          [naive.isReading, naive.buffered] = [true, 0];
      }
      expect(outbox.queuedBytes).toBe(naive.queuedBytes);
      expect(outbox.isEmpty).toBe(naive.isEmpty);
    }

    const received = textsOf(transport).map((text) => pushed[Number(text)]!);
    expect(received).toEqual(naive.written);
    expect(countsOf(transport)).toEqual(naive.counts);
    expect(outbox.conflated).toBe(pushed.length - received.length);
    conflated += outbox.conflated;
    // Nothing overtakes anything, and what matters is there.
    const places = received.map((delivery) => pushed.indexOf(delivery));
    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(received.filter(isFirm)).toEqual(pushed.filter(isFirm));
    for (const channel of CHANNELS) {
      const isOfChannel = ({ published }: Delivery) => published?.publication.channel === channel;
      expect(received.findLast(isOfChannel)).toBe(pushed.findLast(isOfChannel));
    }
  });
  fc.assert(property, { numRuns: 150 });
  // A model in which nothing is merged would agree with anything.
  expect(conflated).toBeGreaterThan(300);
});

function deliveryFor({ what, size }: Action & { do: 'push' }, number: number): Delivery {
  if (what === 'event') return event(`${number}`, size);
  if (what === 'own frame') return ownFrame(`${number}`, size);
  return state(`${number}`, { channel: CHANNELS[what]!, size });
}

function lengthOf(deliveries: readonly Delivery[]): number {
  return deliveries.reduce((sum, { frame }) => sum + frame.length, 0);
}
