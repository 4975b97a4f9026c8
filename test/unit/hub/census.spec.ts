import { beforeEach, describe, expect, test } from 'vitest';
import { Hub, takeCensus } from '../../../src/hub/index.js';
import { CLOSE } from '../../../src/protocol/index.js';
import { connect, endOfTurn, subscriber, wanting } from '../../support/connected.js';
import { PlainDialect } from '../../support/plain-dialect.js';
import { ORDERS, channelName, eventWith, filterOf, publicationOf, sampleWith } from '../../support/publications.js';

let hub: Hub;
beforeEach(() => {
  hub = new Hub();
});

describe('what a hub counts', () => {
  test('is nothing, of a new one', () => {
    const { opened, publications, frames, bytes, conflatedBefore, closes } = hub.counts;
    expect([opened, publications, frames, bytes, conflatedBefore, closes.size]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('is each publication once, and a frame for each connection that wants it', async () => {
    const clients = [subscriber(hub), subscriber(hub), subscriber(hub, { filter: filterOf({ shop: 'north' }) })];
    hub.deliver(publicationOf(sampleWith()));
    hub.deliver(publicationOf(sampleWith({ tags: { shop: 'north' } })));
    hub.deliver(publicationOf(sampleWith(), { channel: channelName('deserted.metrics') }));
    await endOfTurn();

    expect(hub.counts).toMatchObject({ publications: 3, frames: 5 });
    expect(clients.map(({ transport }) => transport.lines.length)).toEqual([2, 2, 1]);
  });

  test('is a frame for each that is for one connection alone', () => {
    const { connection } = connect(hub);
    hub.send(connection, { hello: 1 });
    hub.close(connection);
    hub.send(connection, { hello: 2 });

    expect(hub.counts.frames).toBe(1);
  });

  test('is every byte that transports were given, at once or later', async () => {
    const [{ transport: quick }, { connection, transport: slow }] = [subscriber(hub), subscriber(hub)];
    slow.stall(1024 * 1024);
    for (const text of ['a', 'b', 'c']) hub.deliver(publicationOf(eventWith({ data: { text } })));
    await endOfTurn();
    const atOnce = hub.counts.bytes;
    slow.drain();
    hub.drain(connection);

    const given = (writes: readonly Buffer[]) => writes.reduce((sum, { length }) => sum + length, 0);
    expect(atOnce).toBe(given(quick.writes));
    expect(hub.counts.bytes).toBe(given(quick.writes) + given(slow.writes));
    expect(given(slow.writes)).toBe(given(quick.writes));
  });

  test('are connections that were opened, and how each ended', () => {
    const [first, second, third] = [connect(hub), connect(hub), connect(hub), connect(hub)];
    hub.close(first.connection);
    hub.close(second.connection, CLOSE.silent);
    hub.close(third.connection, CLOSE.silent);
    hub.close(third.connection, CLOSE.internal);

    expect(hub.counts.opened).toBe(4);
    expect([...hub.counts.closes]).toEqual([
      ['peer', 1],
      [4408, 2],
    ]);
  });

  test('is a close by the code that the client was told', () => {
    class Translating extends PlainDialect {
      close() {
        return CLOSE.policyViolation;
      }
    }
    hub.close(connect(hub, { dialect: new Translating() }).connection, CLOSE.unauthorized);

    expect([...hub.counts.closes]).toEqual([[1008, 1]]);
  });
});

describe('a census', () => {
  test('of an empty hub is empty', () => {
    expect(takeCensus(hub)).toEqual({
      connections: 0,
      populations: [],
      audiences: 0,
      subscriptions: 0,
      queuedBytes: 0,
      conflated: 0,
    });
  });

  test('tells connections apart by dialect and transport, and counts what they are subscribed to', () => {
    const clients = [subscriber(hub), subscriber(hub), connect(hub, { dialect: new PlainDialect('other') })];
    hub.subscribe(clients[0]!.connection, wanting({ channel: channelName('more.metrics') }));
    hub.subscribe(clients[2]!.connection, wanting({ format: 'points' }));

    expect(takeCensus(hub)).toMatchObject({
      connections: 3,
      populations: [
        { dialect: 'plain', transport: 'websocket', count: 2 },
        { dialect: 'other', transport: 'websocket', count: 1 },
      ],
      audiences: 3,
      subscriptions: 4,
    });
  });

  test('says what waits for readers, and goes on to count what was merged for those who have left', async () => {
    const { connection, transport } = subscriber(hub);
    transport.stall(1024 * 1024);
    for (let value = 0; value < 10; value++) {
      hub.deliver(publicationOf(sampleWith({ value })));
      await endOfTurn();
    }
    const waiting = takeCensus(hub);
    hub.close(connection);

    expect(waiting.queuedBytes).toBeGreaterThan(1024 * 1024);
    expect(waiting.conflated).toBe(9);
    expect(takeCensus(hub)).toMatchObject({ connections: 0, queuedBytes: 0, conflated: 9, audiences: 0 });
  });
});

describe('the listeners of a channel', () => {
  test('are each connection once that is subscribed to it in this tenant, whatever else it wants of it', () => {
    const one = subscriber(hub).connection;
    const other = subscriber(hub, { filter: filterOf({ shop: 'north' }), format: 'points' }).connection;
    connect(hub);
    hub.subscribe(one, wanting({ format: 'points' }));

    expect(new Set(hub.audiences.membersOf(one.principal.tenant, ORDERS))).toEqual(new Set([one, other]));
    expect([...hub.audiences.membersOf(one.principal.tenant, ORDERS)]).toHaveLength(2);
    hub.unsubscribe(one);
    expect([...hub.audiences.membersOf(one.principal.tenant, ORDERS)]).toEqual([other]);
    expect([...hub.audiences.membersOf(one.principal.tenant, channelName('deserted.metrics'))]).toEqual([]);
  });
});
