import { beforeEach, describe, expect, test } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { Outbox } from '../../../src/hub/outbox.js';
import { CLOSE } from '../../../src/protocol/index.js';
import { connect, endOfTurn, subscriber } from '../../support/connected.js';
import { RecordingTransport } from '../../support/recording-transport.js';
import { failureFor, publicationOf, sampleWith, stateFor } from '../../support/publications.js';

const HIGH_WATER_MARK = 256 * 1024;
const LIMIT = 1024 * 1024;

let transport: RecordingTransport;
let overflows: number;
let outbox: Outbox;
beforeEach(() => {
  transport = new RecordingTransport();
  overflows = 0;
  outbox = new Outbox(transport, () => overflows++);
});

const orders = { audience: 'orders' };
const carts = { audience: 'carts' };

function frame(text: string, length = text.length + 1): Buffer {
  return Buffer.from(`${text.padEnd(length - 1)}\n`);
}

function received(): string[] {
  return transport.lines.map((line) => line.trim());
}

describe('an outbox', () => {
  test('hands all that waits to the transport as one, in order', () => {
    for (const text of ['a', 'b', 'c']) outbox.push(frame(text));
    expect(transport.writes).toEqual([]);
    expect(outbox.isEmpty).toBe(false);
    outbox.flush();
    expect(transport.writes).toHaveLength(1);
    expect(received()).toEqual(['a', 'b', 'c']);
    expect(outbox.isEmpty).toBe(true);
  });

  test('writes nothing where nothing waits', () => {
    outbox.flush();
    outbox.push(frame('a'));
    outbox.flush();
    outbox.flush();
    expect(transport.writes).toHaveLength(1);
  });

  test('sends each of several states to a reader that is not behind', () => {
    outbox.push(frame('state 1'), orders);
    outbox.push(frame('state 2'), orders);
    outbox.flush();
    expect(received()).toEqual(['state 1', 'state 2']);
    expect(outbox.conflated).toBe(0);
  });

  test('writes on as long as the transport holds no more than a quarter of the limit', () => {
    transport.stall(HIGH_WATER_MARK);
    outbox.push(frame('a'));
    outbox.flush();
    expect(received()).toEqual(['a']);
    expect(transport.bufferedBytes).toBeGreaterThan(HIGH_WATER_MARK);
    outbox.push(frame('b'));
    outbox.flush();
    expect(received()).toEqual(['a']);
  });

  test('counts the bytes that wait, here and in the transport', () => {
    outbox.push(frame('a', 100));
    expect(outbox.queuedBytes).toBe(100);
    transport.stall(HIGH_WATER_MARK + 1);
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 101);
    outbox.flush();
    outbox.push(frame('state', 1000), orders);
    outbox.push(frame('state', 10), orders);
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 111);
    transport.drain();
    expect(outbox.queuedBytes).toBe(110);
    outbox.flush();
    expect(outbox.queuedBytes).toBe(0);
    outbox.push(frame('a', 100));
    outbox.discard();
    expect(outbox.queuedBytes).toBe(0);
    expect(outbox.isEmpty).toBe(true);
  });
});

describe('a reader that is behind', () => {
  beforeEach(() => transport.stall(HIGH_WATER_MARK + 1));

  test('gets the newest state of each audience, and no older one', () => {
    outbox.flush();
    for (const number of [1, 2, 3]) {
      outbox.push(frame(`orders ${number}`), orders);
      outbox.push(frame(`carts ${number}`), carts);
      outbox.flush();
    }
    transport.drain();
    outbox.flush();
    expect(received()).toEqual(['orders 3', 'carts 3']);
    expect(outbox.conflated).toBe(4);
  });

  test('gets no older one of those either that came in the turn in which it fell behind', () => {
    for (const number of [1, 2, 3]) outbox.push(frame(`orders ${number}`), orders);
    outbox.push(frame('event'));
    outbox.flush();
    outbox.push(frame('orders 4'), orders);
    transport.drain();
    outbox.flush();
    expect(received()).toEqual(['event', 'orders 4']);
    expect(outbox.conflated).toBe(3);
  });

  test('gets every event, in order', () => {
    for (const number of [1, 2, 3]) {
      outbox.push(frame(`event ${number}`));
      outbox.push(frame(`state ${number}`), orders);
      outbox.flush();
    }
    transport.drain();
    outbox.flush();
    expect(received().filter((line) => line.startsWith('event'))).toEqual(['event 1', 'event 2', 'event 3']);
    expect(received()).toContain('state 3');
    expect(received()).toHaveLength(4);
  });

  test('gets every event and the newest states in order, however many were replaced', () => {
    outbox.push(frame('event 0'));
    outbox.flush();
    for (let number = 1; number <= 513; number++) {
      outbox.push(frame(`orders ${number}`), orders);
      outbox.push(frame(`carts ${number}`), carts);
      if (number % 200 === 0) outbox.push(frame(`event ${number}`));
    }
    transport.drain();
    outbox.flush();
    expect(received()).toEqual(['event 0', 'event 200', 'event 400', 'orders 513', 'carts 513']);
    expect(transport.frames).toHaveLength(5);
    expect(outbox.conflated).toBe(1024);
    expect(outbox.queuedBytes).toBe(0);
  });

  test('that caught up gets every state again', () => {
    outbox.push(frame('1'), orders);
    outbox.flush();
    transport.drain();
    outbox.flush();
    for (const number of [2, 3]) outbox.push(frame(`${number}`), orders);
    outbox.flush();
    expect(received()).toEqual(['1', '2', '3']);
  });
});

describe('the limit', () => {
  test('is for what the reader has not taken: one that reads is given any amount in a turn', () => {
    for (let number = 0; number < 40; number++) outbox.push(frame(`${number}`, 100_000));
    outbox.flush();
    expect(overflows).toBe(0);
    expect(received()).toHaveLength(40);
  });

  test('does not count against a reader that keeps up what it has only just been given', () => {
    transport.isReading = false;
    outbox.push(frame('a state of a megabyte and a half', 1.5 * LIMIT), orders);
    outbox.flush();
    expect(overflows).toBe(0);
    expect(transport.bufferedBytes).toBe(1.5 * LIMIT);
  });

  test('is 1 MiB, of which none more is accepted', () => {
    transport.stall(HIGH_WATER_MARK + 1);
    outbox.push(frame('a', LIMIT - HIGH_WATER_MARK - 1));
    outbox.flush();
    expect(outbox.queuedBytes).toBe(LIMIT);
    expect(overflows).toBe(0);
    outbox.push(frame(''));
    expect(overflows).toBe(1);
  });

  test('counts a state that replaced a smaller one', () => {
    transport.stall(HIGH_WATER_MARK + 1);
    outbox.push(frame('small'), orders);
    outbox.flush();
    outbox.push(frame('large', LIMIT), orders);
    expect(overflows).toBe(1);
  });

  test('is not reached by states, however long the reader is behind', () => {
    transport.stall(HIGH_WATER_MARK + 1);
    for (let number = 0; number < 1000; number++) {
      outbox.push(frame('orders', 100_000), orders);
      outbox.push(frame('carts', 100_000), carts);
      outbox.flush();
    }
    expect(overflows).toBe(0);
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 1 + 200_000);
  });
});

describe('a connection over its limit', () => {
  const sample = publicationOf(sampleWith({ name: 'x'.repeat(1000) }));
  const big = publicationOf({ ...stateFor(), data: { text: 'x'.repeat(100_000) } });

  test('is closed with 4508 once, and sent nothing after', async () => {
    const hub = new Hub();
    const { connection, transport: slow } = subscriber(hub);
    slow.stall(LIMIT);
    for (let number = 0; number < 5; number++) {
      for (let each = 0; each < 20; each++) hub.deliver(big);
      hub.send(connection, { text: 'x'.repeat(LIMIT) });
      await endOfTurn();
    }
    expect(slow.closes).toEqual([CLOSE.slowConsumer]);
    expect(CLOSE.slowConsumer.code).toBe(4508);
    slow.drain();
    connection.outbox.flush();
    await endOfTurn();
    expect(slow.frames).toEqual([]);
    expect(connection.outbox.queuedBytes).toBe(0);
    expect(hub.connections.size).toBe(0);
  });

  test('that overflows in the middle of its turn is sent nothing after the close', async () => {
    const hub = new Hub();
    const { connection, transport: slow } = subscriber(hub);
    hub.send(connection, { text: 'first' });
    await endOfTurn();
    slow.stall(HIGH_WATER_MARK + 1);
    for (let number = 0; number < 2000; number++) hub.deliver({ ...sample, message: sampleWith({ name: 'n' }) });
    hub.send(connection, { text: 'x'.repeat(LIMIT) });
    hub.send(connection, { text: 'late' });
    await endOfTurn();
    expect(slow.closes).toEqual([CLOSE.slowConsumer]);
    expect(slow.lateFrames).toBe(0);
    expect(slow.messages).toEqual([{ text: 'first' }]);
  });

  test('costs the others nothing', async () => {
    const hub = new Hub();
    const [slow, quick] = [subscriber(hub), subscriber(hub)];
    slow.transport.stall(LIMIT);
    for (let number = 0; number < 20; number++) {
      hub.deliver({ ...big, offset: number });
      await endOfTurn();
    }
    expect(slow.transport.frames).toEqual([]);
    expect(quick.transport.messages.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });

  test('is not reached by the states of a channel, nor by its failures', async () => {
    const hub = new Hub();
    const { transport: slow } = subscriber(hub);
    slow.stall(HIGH_WATER_MARK + 1);
    for (let offset = 1; offset <= 100; offset++) {
      hub.deliver(offset % 10 === 0 ? { ...big, offset } : publicationOf(failureFor(), { offset }));
      await endOfTurn();
    }
    slow.drain();
    connect(hub);
    for (const { outbox: waiting } of hub.connections.values()) waiting.flush();
    expect(slow.messages).toMatchObject([{ kind: 'state', offset: 100 }]);
  });
});
