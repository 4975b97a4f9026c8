import { beforeEach, describe, expect, test } from 'vitest';
import { Outbox } from '../../../src/hub/outbox.js';
import { channelName } from '../../support/publications.js';
import { RecordingTransport } from '../../support/recording-transport.js';
import { countsOf, event, ownFrame, push, state, textsOf } from './deliveries.js';

const HIGH_WATER_MARK = 256 * 1024;
const CARTS = { channel: channelName('carts.metrics') };

let transport: RecordingTransport;
let outbox: Outbox;
beforeEach(() => {
  transport = new RecordingTransport();
  outbox = new Outbox(transport);
});

function flush(): void {
  outbox.flush(0);
}

describe('an outbox', () => {
  test('hands all that waits to the transport as one, in order', () => {
    push(outbox, event('a'), ownFrame('b'), state('c'));
    expect(transport.writes).toEqual([]);
    expect(outbox.isEmpty).toBe(false);
    flush();
    expect(transport.writes).toHaveLength(1);
    expect(textsOf(transport)).toEqual(['a', 'b', 'c']);
    expect(outbox.isEmpty).toBe(true);
  });

  test('writes nothing where nothing waits', () => {
    flush();
    push(outbox, event('a'));
    flush();
    flush();
    expect(transport.writes).toHaveLength(1);
  });

  test('sends each of several states to a reader that is not behind', () => {
    push(outbox, state('1'), state('2'));
    flush();
    expect(textsOf(transport)).toEqual(['1', '2']);
    expect(countsOf(transport)).toEqual([1, 1]);
    expect(outbox.conflated).toBe(0);
  });

  test('writes on as long as the transport holds no more than a quarter of the limit', () => {
    transport.stall(HIGH_WATER_MARK);
    push(outbox, event('a'));
    flush();
    expect(textsOf(transport)).toEqual(['a']);
    expect(transport.bufferedBytes).toBeGreaterThan(HIGH_WATER_MARK);
    push(outbox, event('b'));
    flush();
    expect(textsOf(transport)).toEqual(['a']);
  });

  test('counts the bytes that wait, here and in the transport', () => {
    push(outbox, event('a', 200));
    expect(outbox.queuedBytes).toBe(200);
    transport.stall(HIGH_WATER_MARK + 1);
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 201);
    flush();
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 201);
    push(outbox, state('large', { size: 1000 }), state('small', { size: 300 }));
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 1501);
    flush();
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 501);
    transport.drain();
    expect(outbox.queuedBytes).toBe(500);
    expect(outbox.isEmpty).toBe(false);
    flush();
    expect(outbox.queuedBytes).toBe(0);
    expect(outbox.isEmpty).toBe(true);
  });

  test('that is discarded holds nothing, and sends nothing', () => {
    transport.stall(HIGH_WATER_MARK + 1);
    push(outbox, state('1'), state('2'));
    flush();
    push(outbox, event('a', 200));
    outbox.discard();
    expect(outbox.isEmpty).toBe(true);
    transport.drain();
    expect(outbox.queuedBytes).toBe(0);
    flush();
    expect(transport.writes).toEqual([]);
    // What happened to it is still known.
    expect(outbox.conflated).toBe(1);
  });
});

describe('a reader that is behind', () => {
  beforeEach(() => transport.stall(HIGH_WATER_MARK + 1));

  test('gets the newest state of each channel, and no older one', () => {
    flush();
    for (const number of [1, 2, 3]) {
      push(outbox, state(`orders ${number}`), state(`carts ${number}`, CARTS));
      flush();
    }
    transport.drain();
    flush();
    expect(textsOf(transport)).toEqual(['orders 3', 'carts 3']);
    expect(countsOf(transport)).toEqual([3, 3]);
    expect(outbox.conflated).toBe(4);
  });

  test('gets no older one of those either that came in the turn in which it fell behind', () => {
    push(outbox, state('orders 1'), state('orders 2'), state('orders 3'), event('event'));
    flush();
    push(outbox, state('orders 4'));
    flush();
    transport.drain();
    flush();
    expect(textsOf(transport)).toEqual(['event', 'orders 4']);
    expect(outbox.conflated).toBe(3);
  });

  test('gets every event, in order', () => {
    for (const number of [1, 2, 3]) {
      push(outbox, event(`event ${number}`), state('state'), ownFrame(`own ${number}`));
      flush();
    }
    transport.drain();
    flush();
    expect(textsOf(transport)).toEqual(['event 1', 'own 1', 'event 2', 'own 2', 'event 3', 'state', 'own 3']);
    expect(transport.writes).toHaveLength(1);
  });

  test('gets every event and the newest states in order, however many were replaced', () => {
    push(outbox, event('event 0'));
    flush();
    for (let number = 1; number <= 513; number++) {
      push(outbox, state(`orders ${number}`), state(`carts ${number}`, CARTS));
      if (number % 200 === 0) push(outbox, event(`event ${number}`));
      flush();
    }
    transport.drain();
    flush();
    expect(textsOf(transport)).toEqual(['event 0', 'event 200', 'event 400', 'orders 513', 'carts 513']);
    expect(countsOf(transport)).toEqual([1, 1, 1, 513, 513]);
    expect(outbox.conflated).toBe(1024);
    expect(outbox.queuedBytes).toBe(0);
  });

  test('gets what waits as far as there is room for it, and the rest later', () => {
    for (const number of [1, 2, 3]) push(outbox, event(`event ${number}`, 1000));
    flush();
    transport.stall(HIGH_WATER_MARK - 1500);
    flush();
    expect(textsOf(transport)).toEqual(['event 1', 'event 2']);
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 500 + 1000);
    flush();
    expect(textsOf(transport)).toEqual(['event 1', 'event 2']);
    transport.drain();
    flush();
    expect(textsOf(transport)).toEqual(['event 1', 'event 2', 'event 3']);
  });

  test('gets what is new after what it was left with', () => {
    push(outbox, event('old', 1000), state('old'));
    flush();
    transport.stall(HIGH_WATER_MARK - 1);
    push(outbox, event('new'));
    flush();
    expect(textsOf(transport)).toEqual(['old']);
    transport.drain();
    flush();
    expect(textsOf(transport)).toEqual(['old', 'old', 'new']);
  });

  test('that caught up gets every state again', () => {
    push(outbox, state('1'));
    flush();
    transport.drain();
    flush();
    push(outbox, state('2'), state('3'));
    flush();
    expect(textsOf(transport)).toEqual(['1', '2', '3']);
  });

  test('and whose peer cannot answer is asked for nothing, and gets all once it reads', () => {
    const silent = new RecordingTransport(false);
    const own = new Outbox(silent);
    for (const number of [1, 2, 3]) {
      push(own, event(`event ${number}`, 5000));
      own.flush(number * 60_000);
    }
    expect(textsOf(silent)).toEqual(['event 1', 'event 2', 'event 3']);
    expect(silent.pings).toEqual([]);
  });

  test('and cannot answer is asked for a sign of life without a number, however often', () => {
    const silent = new RecordingTransport(false);
    const own = new Outbox(silent);
    for (let beat = 0; beat < 40; beat++) own.ping(beat * 30_000);
    expect(silent.pings).toEqual(Array<number>(40).fill(0));
  });
});

describe('a turn that brings much', () => {
  const many = (count: number, size: number) => Array.from({ length: count }, (_, at) => state(`${at}`, { size }));

  test('leaves in pieces, as it is, where the reader keeps up: the same pieces for everybody', () => {
    const others = [new RecordingTransport(), new RecordingTransport()];
    const deliveries = many(200, 1024);
    push(outbox, ...deliveries);
    for (const other of others) {
      const own = new Outbox(other);
      own.pending = outbox.pending;
      own.flush(0);
    }
    flush();

    expect(textsOf(transport)).toEqual(deliveries.map((_, at) => `${at}`));
    expect(countsOf(transport)).toEqual(Array<number>(200).fill(1));
    expect(transport.writes.map(({ length }) => length)).toEqual([64, 64, 64, 8].map((count) => count * 1024));
    for (const other of others) {
      expect(other.writes).toHaveLength(4);
      other.writes.forEach((piece, at) => expect(piece).toBe(transport.writes[at]));
    }
  });

  test('goes to a reader that is held back only as far as it has room', () => {
    const at = (now: number, ...deliveries: Parameters<typeof push>[1][]) => {
      push(outbox, ...deliveries);
      outbox.flush(now);
    };
    at(0, ownFrame('greeting', 200));
    outbox.answered(1, 10);
    at(2000, event('much', 20_000));
    // Late when it is seen, and seen again; then it turns out that it reads 2,000 bytes a second.
    for (const now of [4000, 4100]) at(now, event('more', 200));
    outbox.answered(2, 12_000);
    outbox.drain(12_000);
    const before = transport.writes.reduce((sum, { length }) => sum + length, 0);

    at(12_001, ...Array.from({ length: 100 }, (_, number) => event(`${number}`, 1000)));
    const written = transport.writes.reduce((sum, { length }) => sum + length, 0) - before;
    expect(written).toBeLessThanOrEqual(3000);
    expect(outbox.isBehind).toBe(true);
  });
});

describe('a reader that keeps up', () => {
  const EVERY = 64 * 1024;
  const FRAME = 1000;
  /** The frame of so many bytes with which a ping has to go, where each goes by itself. */
  const due = Math.ceil(EVERY / FRAME);

  /** Sends frames, at a pace that leaves time for pings, until one goes along. How many that took. */
  function untilPing(start: number): number {
    const { length } = transport.pings;
    for (let count = 1; ; count++) {
      push(outbox, event('x', FRAME));
      outbox.flush(start + count * 100);
      if (transport.pings.length > length) return count;
    }
  }

  beforeEach(() => {
    push(outbox, event('x', EVERY));
    flush();
    outbox.answered(1, 1);
  });

  test('is asked with the frame that makes it 64 KiB, no earlier and no later', () => {
    expect(untilPing(0)).toBe(due);
    outbox.answered(2, due * 100 + 1);
    expect(untilPing(due * 100)).toBe(due);
  });

  test('is asked as often where it gives signs of life besides: these count as pings', () => {
    for (let count = 1; count <= due - 10; count++) {
      push(outbox, event('x', FRAME));
      outbox.flush(count * 100);
    }
    outbox.ping(6000);
    outbox.answered(2, 6001);
    expect(untilPing(6001)).toBe(due);
  });

  test('is asked as often where things wait for the network in between', () => {
    transport.stall(HIGH_WATER_MARK);
    for (let count = 1; count <= 10; count++) {
      push(outbox, event('x', FRAME));
      outbox.flush(count * 100);
    }
    expect(outbox.isBehind).toBe(true);
    transport.drain();
    outbox.drain(2000);
    expect(outbox.isBehind).toBe(false);
    expect(untilPing(2000)).toBe(due - 10);
  });
});
