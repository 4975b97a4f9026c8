import { describe, expect, test } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { CLOSE } from '../../../src/protocol/index.js';
import { connect, endOfTurn, subscriber, wanting } from '../../support/connected.js';
import { PlainDialect, lineFraming } from '../../support/plain-dialect.js';
import {
  ORDERS,
  channelName,
  eventWith,
  failureFor,
  filterOf,
  publicationOf,
  sampleWith,
  stateFor,
} from '../../support/publications.js';

const NORTH = filterOf({ region: 'north' });
const numbered = (offset: number, particulars = {}) => publicationOf(sampleWith(particulars), { offset });
const offsetsIn = ({ messages }: { messages: Record<string, unknown>[] }) => messages.map(({ offset }) => offset);
const nothing = () => false;

/** Somebody whose subscription is held. */
function held(hub: Hub, particulars: Parameters<typeof wanting>[0] = {}, options: Parameters<typeof connect>[1] = {}) {
  const connected = connect(hub, options);
  hub.hold(connected.connection, wanting(particulars));
  return connected;
}

/** What was kept has been sent, where that is little, in the turn after the one that released it. */
async function endOfRelease(): Promise<void> {
  await endOfTurn();
  await endOfTurn();
}

describe('a subscription that is held', () => {
  test('is sent nothing until it is released, and then what was published, in order', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    for (const offset of [1, 2]) hub.deliver(numbered(offset));
    await endOfTurn();
    expect(transport.messages).toEqual([]);
    hub.release(connection, ORDERS, nothing);
    hub.deliver(numbered(3));
    await endOfRelease();
    expect(offsetsIn(transport)).toEqual([1, 2, 3]);
  });

  test('is not sent what it was sent by other means', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    for (const offset of [1, 2, 3]) hub.deliver(numbered(offset));
    hub.release(connection, ORDERS, ({ offset }) => offset === 2);
    await endOfRelease();
    expect(offsetsIn(transport)).toEqual([1, 3]);
  });

  test('is sent what comes after its release, whatever was sent by other means', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    hub.deliver(numbered(1));
    hub.release(connection, ORDERS, () => true);
    hub.deliver(numbered(2));
    await endOfRelease();
    expect(offsetsIn(transport)).toEqual([2]);
  });

  test('holds nobody else up', async () => {
    const hub = new Hub();
    const { connection } = held(hub);
    const { transport } = subscriber(hub);
    hub.deliver(numbered(1));
    await endOfTurn();
    expect(offsetsIn(transport)).toEqual([1]);
    hub.release(connection, ORDERS, nothing);
    await endOfRelease();
    expect(offsetsIn(transport)).toEqual([1]);
  });

  test('keeps only what it is for', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub, { filter: NORTH });
    hub.deliver(numbered(1, { tags: { region: 'south' } }));
    hub.deliver(numbered(2, { tags: { region: 'north' } }));
    hub.release(connection, ORDERS, nothing);
    await endOfRelease();
    expect(offsetsIn(transport)).toEqual([2]);
  });

  test('keeps its channel watched, by its filter', () => {
    const hub = new Hub();
    const demand: boolean[] = [];
    hub.audiences.onDemand((_tenant, _channel, isWatched) => demand.push(isWatched));
    const { connection } = held(hub, { filter: NORTH });
    expect([...hub.audiences.filtersOf(connection.principal.tenant, ORDERS).values()]).toEqual([NORTH]);
    hub.release(connection, ORDERS, nothing);
    hub.unsubscribe(connection);
    expect(demand).toEqual([true, false]);
  });

  test('joins the others when it is released: one buffer for all', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    const other = subscriber(hub);
    hub.release(connection, ORDERS, nothing);
    await endOfRelease();
    hub.deliver(numbered(1));
    await endOfTurn();
    expect([...hub.audiences.all()]).toHaveLength(1);
    expect(transport.writes[0]).toBe(other.transport.writes[0]);
  });

  test('stays held in another encoding, and with a newer token, whose filter counts for what was kept', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    hub.deliver(numbered(1, { tags: { region: 'north' } }));
    hub.deliver(numbered(2, { tags: { region: 'south' } }));
    hub.reframe(connection, lineFraming('others'));
    hub.renew(connection, { ...connection.principal, filter: NORTH });
    hub.deliver(numbered(3, { tags: { region: 'north' } }));
    await endOfTurn();
    expect(transport.messages).toEqual([]);
    hub.release(connection, ORDERS, nothing);
    await endOfRelease();
    expect(offsetsIn(transport)).toEqual([1, 3]);
  });

  test('begins anew where it is held once more, and is free where it is subscribed anew', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    hub.deliver(numbered(1));
    hub.hold(connection, wanting());
    hub.deliver(numbered(2));
    hub.release(connection, ORDERS, nothing);
    hub.hold(connection, wanting());
    hub.deliver(numbered(3));
    hub.subscribe(connection, wanting());
    hub.deliver(numbered(4));
    hub.release(connection, ORDERS, nothing);
    await endOfRelease();
    expect(offsetsIn(transport)).toEqual([2, 4]);
  });

  test('is given up with its connection where others would have to wait for it for too long', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    for (let offset = 1; offset <= 20_000; offset++) hub.deliver(numbered(offset));
    expect(connection.isOpen).toBe(true);
    hub.deliver(numbered(20_001));
    expect(transport.closes).toEqual([CLOSE.slowConsumer]);
    expect(hub.audiences.isWatched(connection.principal.tenant, ORDERS)).toBe(false);
  });

  test('that has ended is not released', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    hub.deliver(numbered(1));
    hub.unsubscribe(connection);
    hub.release(connection, ORDERS, nothing);
    hub.deliver(numbered(2));
    await endOfRelease();
    expect(transport.messages).toEqual([]);
  });
});

describe('a release of much', () => {
  const CARTS = channelName('carts.metrics');
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

  test('is sent a part in each turn, and what is published meanwhile behind it', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    for (let offset = 1; offset <= 1200; offset++) hub.deliver(numbered(offset));
    hub.release(connection, ORDERS, nothing);
    const counts: number[] = [];
    let offset = 1200;
    while (transport.messages.length < 1210) {
      await endOfTurn();
      if (offset < 1210) hub.deliver(numbered(++offset));
      counts.push(transport.messages.length);
    }
    expect(Math.max(...counts.map((count, at) => count - (counts[at - 1] ?? 0)))).toBeLessThanOrEqual(510);
    expect(offsetsIn(transport)).toEqual(upTo(1210));
  });

  test('ends, however much is published meanwhile', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    let offset = 0;
    const publish = (count: number) => {
      for (let each = 0; each < count; each++) hub.deliver(numbered(++offset));
    };
    publish(2000);
    hub.release(connection, ORDERS, nothing);
    const { audiences } = hub;
    subscriber(hub);
    let turns = 0;
    // It ends where it joins the others who want the same.
    while ([...audiences.all()].length > 1 && ++turns < 100) {
      publish(800);
      await endOfTurn();
    }
    expect(turns).toBeLessThan(20);
    await endOfTurn();
    expect(offsetsIn(transport)).toEqual(upTo(offset));
  });

  test('is no more in a turn where many are released at once, and each has its turn', async () => {
    const hub = new Hub();
    const all = Array.from({ length: 4 }, () => held(hub));
    for (let offset = 1; offset <= 2000; offset++) hub.deliver(numbered(offset));
    for (const { connection } of all) hub.release(connection, ORDERS, nothing);
    const given: number[] = [];
    let before = hub.counts.frames;
    while (hub.counts.frames < 8000) {
      await endOfTurn();
      given.push(hub.counts.frames - before);
      before = hub.counts.frames;
      if (given.length === 5) {
        for (const { transport } of all) expect(transport.messages.length).toBeGreaterThanOrEqual(400);
      }
    }
    expect(Math.max(...given)).toBeLessThanOrEqual(500);
    await endOfTurn();
    for (const { transport } of all) expect(offsetsIn(transport)).toEqual(upTo(2000));
  });

  test('is of all channels of a connection in the order in which they were published', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    hub.hold(connection, wanting({ channel: CARTS }));
    for (let offset = 1; offset <= 900; offset++) {
      hub.deliver(publicationOf(sampleWith(), { offset, channel: offset % 3 === 0 ? ORDERS : CARTS }));
    }
    for (const channel of [ORDERS, CARTS]) hub.release(connection, channel, nothing);
    while (transport.messages.length < 900) await endOfTurn();
    expect(offsetsIn(transport)).toEqual(upTo(900));
  });

  test('is not overtaken by a state that is shown meanwhile', async () => {
    const hub = new Hub();
    const { connection, transport } = held(hub);
    for (let offset = 1; offset <= 700; offset++) hub.deliver(publicationOf(stateFor(), { offset }));
    hub.release(connection, ORDERS, nothing);
    await endOfTurn();
    hub.showState(connection, publicationOf(stateFor(), { offset: 701 }));
    while (transport.messages.length < 701) await endOfTurn();
    expect(offsetsIn(transport)).toEqual(upTo(701));
  });

  test('is told in full where its peer is told why it ends, and breaks off where the peer is gone or too slow', async () => {
    const sent: number[] = [];
    for (const reason of [CLOSE.goingAway, CLOSE.slowConsumer, undefined]) {
      const hub = new Hub();
      const { connection, transport } = held(hub);
      for (let offset = 1; offset <= 2000; offset++) hub.deliver(numbered(offset));
      hub.release(connection, ORDERS, nothing);
      await endOfTurn();
      await endOfTurn();
      hub.close(connection, reason);
      for (let turn = 0; turn < 10; turn++) await endOfTurn();
      expect(offsetsIn(transport)).toEqual(upTo(transport.messages.length));
      expect([...hub.audiences.all()]).toEqual([]);
      sent.push(transport.messages.length);
    }
    expect(sent[0]).toBe(2000);
    for (const count of sent.slice(1)) expect(count).toBeLessThanOrEqual(1500);
  });
});

describe('a replay', () => {
  test('sends what a connection wants of it, in this order, and nobody else anything', async () => {
    const hub = new Hub();
    const { connection, transport } = subscriber(hub, { filter: NORTH });
    const other = subscriber(hub);
    hub.replay(connection, [
      numbered(1, { tags: { region: 'north' } }),
      numbered(2, { tags: { region: 'south' } }),
      publicationOf(stateFor(NORTH), { offset: 3 }),
      publicationOf(stateFor(), { offset: 4 }),
      publicationOf(eventWith({ tags: { region: 'north' } }), { offset: 5 }),
      publicationOf(failureFor(NORTH), { offset: 6 }),
    ]);
    hub.deliver(numbered(7, { tags: { region: 'north' } }));
    await endOfTurn();
    expect(offsetsIn(transport)).toEqual([1, 3, 5, 6, 7]);
    expect(offsetsIn(other.transport)).toEqual([7]);
  });

  test('of channels that a connection is not subscribed to sends nothing', async () => {
    const hub = new Hub();
    const { connection, transport } = connect(hub);
    hub.replay(connection, [numbered(1)]);
    await endOfTurn();
    expect(transport.messages).toEqual([]);
  });

  test('renders once for all who missed the same, and gives them the very same bytes', async () => {
    const hub = new Hub();
    const dialect = new PlainDialect();
    const missed = [1, 2, 3].map((offset) => numbered(offset));
    const back = Array.from({ length: 100 }, () => subscriber(hub, { dialect }));
    for (const { connection } of back) hub.replay(connection, missed);
    await endOfTurn();
    expect(dialect.renders).toBe(3);
    for (const { transport } of back) expect(transport.writes[0]).toBe(back[0]!.transport.writes[0]);
  });

  test('does not stand in the way of a state that is shown behind it', async () => {
    const hub = new Hub();
    const { connection, transport } = subscriber(hub);
    hub.replay(connection, [publicationOf(stateFor(), { offset: 1 })]);
    hub.showState(connection, publicationOf(stateFor(), { offset: 2 }));
    await endOfTurn();
    expect(offsetsIn(transport)).toEqual([1, 2]);
  });
});

describe('room', () => {
  const LARGE = { text: 'x'.repeat(100 * 1024) };

  test('is there when the turn has been written to a reader that keeps up', async () => {
    const hub = new Hub();
    const { connection, transport } = subscriber(hub);
    hub.send(connection, LARGE);
    await hub.room(connection);
    expect(transport.writes).toHaveLength(1);
    await hub.room(connection);
  });

  test('is waited for until the transport has drained, and what waits behind it', async () => {
    const hub = new Hub();
    const { connection, transport } = subscriber(hub);
    transport.isReading = false;
    let isThere = false;
    for (let count = 0; count < 4; count++) hub.send(connection, LARGE);
    const waiting = hub.room(connection).then(() => (isThere = true));
    await endOfTurn();
    hub.send(connection, LARGE);
    await endOfTurn();
    expect(connection.outbox.isBehind).toBe(true);
    hub.drain(connection);
    await endOfTurn();
    expect(isThere).toBe(false);
    transport.drain();
    hub.drain(connection);
    await waiting;
    expect(connection.outbox.isEmpty).toBe(true);
  });

  test('need not be waited for any more where the connection has ended', async () => {
    const hub = new Hub();
    const { connection, transport } = subscriber(hub);
    transport.stall(1024 * 1024);
    hub.send(connection, LARGE);
    const waiting = [hub.room(connection), hub.room(connection)];
    hub.close(connection);
    await Promise.all(waiting);
    await hub.room(connection);
  });
});
