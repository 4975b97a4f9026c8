import { beforeEach, describe, expect, test } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { Outbox } from '../../../src/hub/outbox.js';
import { CLOSE, type Millis } from '../../../src/protocol/index.js';
import { connect, endOfTurn, subscriber } from '../../support/connected.js';
import { channelName, failureFor, publicationOf, sampleWith, stateFor } from '../../support/publications.js';
import { RecordingTransport } from '../../support/recording-transport.js';
import { deliveryOf, event, ownFrame, push, state, textsOf } from './deliveries.js';

const HIGH_WATER_MARK = 256 * 1024;
const LIMIT = 1024 * 1024;
const PATIENCE: Millis = 10_000;
const START: Millis = 123_456;
const CARTS = { channel: channelName('carts.metrics') };

let transport: RecordingTransport;
let outbox: Outbox;
beforeEach(() => {
  transport = new RecordingTransport();
  outbox = new Outbox(transport);
});

/** Whether the connection is to be given up at this time, with what waits now. */
function isOverdue(now: Millis): boolean {
  outbox.flush(now);
  return outbox.isOverdue(now);
}

describe('the limit', () => {
  test('is for what the reader has not taken: one that reads is given any amount in a turn', () => {
    for (let number = 0; number < 40; number++) push(outbox, event(`${number}`, 100_000));
    expect(isOverdue(START)).toBe(false);
    expect(textsOf(transport)).toHaveLength(40);
    expect(isOverdue(START + PATIENCE)).toBe(false);
  });

  test('does not count against a reader that keeps up what it has only just been given', () => {
    transport.isReading = false;
    push(outbox, state('a state of a megabyte and a half', { size: 1.5 * LIMIT }));
    expect(isOverdue(START)).toBe(false);
    expect(transport.bufferedBytes).toBe(1.5 * LIMIT);
    expect(isOverdue(START + PATIENCE)).toBe(false);
  });

  test('is not reached by states, however long the reader is behind', () => {
    transport.stall(HIGH_WATER_MARK + 1);
    for (let number = 0; number < 1000; number++) {
      push(outbox, state('orders', { size: 100_000 }), state('carts', { ...CARTS, size: 100_000 }));
      expect(isOverdue(START + number * PATIENCE)).toBe(false);
    }
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 1 + 200_000);
  });

  test('is not reached at once by windows of counters, however many of them close', () => {
    transport.stall(HIGH_WATER_MARK + 1);
    const summary = { count: 1, sum: 1, min: 1, max: 1 };
    const window = { interval: '1s' as const };
    for (let series = 0; series < 8000; series++) {
      const tags = { series: `${series}` };
      push(outbox, deliveryOf(publicationOf(sampleWith({ type: 'counter', summary, window, tags }))));
    }
    expect(isOverdue(START)).toBe(false);
    expect(outbox.queuedBytes).toBeGreaterThan(HIGH_WATER_MARK + LIMIT);
    expect(isOverdue(START + PATIENCE)).toBe(true);
  });
});

describe.each([
  ['events', event],
  ['frames of its own', ownFrame],
])('%s for one connection', (_what, make) => {
  beforeEach(() => transport.stall(HIGH_WATER_MARK + 1));

  test('may wait up to 1 MiB, and not more', () => {
    push(outbox, make('first', LIMIT / 2), make('second', LIMIT / 2 - 1000));
    expect(isOverdue(START)).toBe(false);
    push(outbox, make('third', 1000));
    expect(isOverdue(START)).toBe(false);
    expect(outbox.queuedBytes).toBe(HIGH_WATER_MARK + 1 + LIMIT);
    push(outbox, make('one too much'));
    expect(isOverdue(START)).toBe(true);
  });

  test('count no more once they have left', () => {
    for (let time = 0; time < 10; time++) {
      push(outbox, make('most', LIMIT - 1000), state('a state', { size: 500 }));
      expect(isOverdue(START)).toBe(false);
      transport.drain();
      expect(isOverdue(START)).toBe(false);
      expect(outbox.isEmpty).toBe(true);
      transport.stall(HIGH_WATER_MARK + 1);
    }
  });
});

describe('more than 1 MiB, of which most can be replaced,', () => {
  beforeEach(() => {
    transport.stall(HIGH_WATER_MARK + 1000);
    push(outbox, state('large', { size: LIMIT - HIGH_WATER_MARK - 1000 }));
    isOverdue(START);
  });

  const pushSmall = (size: number) => push(outbox, state('small', { ...CARTS, size }));

  test('may wait for 10 s', () => {
    expect(isOverdue(START + 60_000)).toBe(false);
    pushSmall(200);
    expect(isOverdue(START + 60_000)).toBe(false);
    expect(isOverdue(START + 60_000 + PATIENCE - 1)).toBe(false);
    expect(isOverdue(START + 60_000 + PATIENCE)).toBe(true);
  });

  test('may wait for 10 s more where the reader has read on meanwhile, to within the limit', () => {
    pushSmall(200);
    expect(isOverdue(START)).toBe(false);
    transport.stall(HIGH_WATER_MARK + 800);
    expect(outbox.queuedBytes).toBe(LIMIT);
    expect(isOverdue(START + PATIENCE - 1)).toBe(false);
    pushSmall(201);
    expect(isOverdue(START + PATIENCE)).toBe(false);
    expect(isOverdue(START + 2 * PATIENCE - 1)).toBe(false);
    expect(isOverdue(START + 2 * PATIENCE)).toBe(true);
  });

  test('may not wait for longer because some of it is read, where it is still more', () => {
    pushSmall(201);
    expect(isOverdue(START)).toBe(false);
    transport.stall(HIGH_WATER_MARK + 800);
    expect(isOverdue(START + PATIENCE - 1)).toBe(false);
    expect(isOverdue(START + PATIENCE)).toBe(true);
  });

  test('may wait anew after the reader has caught up', () => {
    pushSmall(200);
    expect(isOverdue(START)).toBe(false);
    transport.drain();
    expect(isOverdue(START + PATIENCE)).toBe(false);
    transport.stall(HIGH_WATER_MARK + 1);
    push(outbox, state('large', { size: LIMIT }));
    expect(isOverdue(START + PATIENCE + 1)).toBe(false);
    expect(isOverdue(START + 2 * PATIENCE)).toBe(false);
    expect(isOverdue(START + 2 * PATIENCE + 1)).toBe(true);
  });

  test('counts with a state that replaced a smaller one', () => {
    push(outbox, state('larger', { size: LIMIT - HIGH_WATER_MARK }));
    expect(isOverdue(START)).toBe(false);
    expect(isOverdue(START + PATIENCE)).toBe(true);
  });

  test('is too much at once where it is more than 20,000 frames, and not for its bytes', () => {
    push(outbox, state('large', { size: 10 * LIMIT }));
    expect(isOverdue(START)).toBe(false);
    const channels = Array.from({ length: 20_000 }, (_, at) => channelName(`channel_${at}.metrics`));
    push(outbox, ...channels.slice(1).map((channel) => state('', { channel })));
    expect(isOverdue(START)).toBe(false);
    push(outbox, state('', { channel: channels[0]! }));
    expect(isOverdue(START)).toBe(true);
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
    hub.drain(connection);
    await endOfTurn();
    expect(slow.writes).toEqual([]);
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
    expect(slow.late).toBe(0);
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
    expect(slow.transport.writes).toEqual([]);
    expect(quick.transport.messages.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });

  test('is given up after 10 s, when next something is published or a drain does not help', async () => {
    let clock = START;
    const hub = new Hub(Date.now, () => clock);
    const [told, drained] = [subscriber(hub), subscriber(hub)];
    for (const { transport: slow } of [told, drained]) slow.stall(LIMIT);
    hub.deliver(big);
    await endOfTurn();
    clock += PATIENCE - 1;
    hub.deliver(big);
    await endOfTurn();
    expect(hub.connections.size).toBe(2);
    clock += 1;
    hub.drain(drained.connection);
    expect(drained.transport.closes).toEqual([CLOSE.slowConsumer]);
    expect(told.connection.isOpen).toBe(true);
    hub.deliver(big);
    await endOfTurn();
    expect(told.transport.closes).toEqual([CLOSE.slowConsumer]);
  });

  test('is not reached by the states of a channel, nor by its failures', async () => {
    const hub = new Hub();
    const { connection, transport: slow } = subscriber(hub);
    slow.stall(HIGH_WATER_MARK + 1);
    for (let offset = 1; offset <= 100; offset++) {
      hub.deliver(offset % 10 === 0 ? { ...big, offset } : publicationOf(failureFor(), { offset }));
      await endOfTurn();
    }
    slow.drain();
    connect(hub);
    hub.drain(connection);
    expect(slow.messages).toMatchObject([{ kind: 'state', offset: 100, conflated: 100 }]);
  });
});
