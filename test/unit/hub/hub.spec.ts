import { describe, expect, test } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { CLOSE } from '../../../src/protocol/index.js';
import { connect, endOfTurn, subscriber, wanting } from '../../support/connected.js';
import { PlainDialect, lineFraming } from '../../support/plain-dialect.js';
import { ACME, tenantId } from '../../support/principals.js';
import {
  ORDERS,
  channelName,
  eventWith,
  filterOf,
  publicationOf,
  sampleWith,
  stateFor,
} from '../../support/publications.js';
import type { RecordingTransport } from '../../support/recording-transport.js';

const CARTS = channelName('carts.metrics');
const NORTH = filterOf({ region: 'north' });

/** A hub, and everything that it tells about demand, as `+channel` and `-channel`. */
function listening() {
  const hub = new Hub();
  const demand: string[] = [];
  hub.audiences.onDemand((tenant, channel, isWatched) => demand.push(`${isWatched ? '+' : '-'}${tenant} ${channel}`));
  return { hub, demand };
}

describe('the hub', () => {
  test('writes all publications of one turn at once, for each connection', async () => {
    const { hub } = listening();
    const members = [subscriber(hub), subscriber(hub)];
    for (const { connection } of members) hub.subscribe(connection, wanting({ channel: CARTS }));
    for (let offset = 1; offset <= 3; offset++) {
      hub.deliver(publicationOf(sampleWith(), { offset }));
      hub.deliver(publicationOf(stateFor(), { offset, channel: CARTS }));
    }
    for (const { transport } of members) expect(transport.writes).toEqual([]);
    await endOfTurn();
    for (const { transport } of members) {
      expect(transport.writes).toHaveLength(1);
      expect(transport.messages.map(({ channel, offset }) => `${String(channel)} ${String(offset)}`)).toEqual([
        'orders.metrics 1',
        'carts.metrics 1',
        'orders.metrics 2',
        'carts.metrics 2',
        'orders.metrics 3',
        'carts.metrics 3',
      ]);
    }
  });

  test('writes what comes in promises of the same turn along', async () => {
    const { hub } = listening();
    const { transport } = subscriber(hub);
    hub.deliver(publicationOf(sampleWith()));
    await Promise.resolve();
    hub.deliver(publicationOf(sampleWith(), { offset: 2 }));
    await endOfTurn();
    expect(transport.writes).toHaveLength(1);
    expect(transport.lines).toHaveLength(2);
  });

  test('sends what a connection is told itself in one order with what it is subscribed to', async () => {
    const { hub } = listening();
    const { connection, transport } = subscriber(hub);
    hub.send(connection, { at: 1 });
    hub.deliver(publicationOf(sampleWith()));
    hub.send(connection, { at: 2 });
    await endOfTurn();
    expect(transport.writes).toHaveLength(1);
    expect(transport.messages).toMatchObject([{ at: 1 }, { offset: 1 }, { at: 2 }]);
  });

  test('goes on with the others when one transport is given up', async () => {
    const { hub } = listening();
    const members = [subscriber(hub), subscriber(hub), subscriber(hub)];
    members[1]!.transport.stall(2 * 1024 * 1024);
    hub.deliver(publicationOf(eventWith({ data: { text: 'x'.repeat(1024 * 1024) } })));
    await endOfTurn();
    expect(members.map(({ transport }) => transport.lines.length)).toEqual([1, 0, 1]);
    expect(members[1]!.transport.closes).toEqual([CLOSE.slowConsumer]);
    expect([...hub.connections.values()]).toEqual([members[0]!.connection, members[2]!.connection]);
  });
});

describe('a subscription', () => {
  test('repeated replaces the one before', async () => {
    const { hub, demand } = listening();
    const { connection, transport } = subscriber(hub);
    hub.subscribe(connection, wanting({ filter: NORTH }));
    hub.deliver(publicationOf(sampleWith({ tags: { region: 'south' } })));
    hub.deliver(publicationOf(sampleWith({ tags: { region: 'north' } }), { offset: 2 }));
    await endOfTurn();
    expect(transport.messages.map(({ offset }) => offset)).toEqual([2]);
    expect([...hub.audiences.filtersOf(ACME, ORDERS).values()]).toEqual([NORTH]);
    expect(demand).toEqual(['+acme orders.metrics']);
  });

  test('repeated unchanged changes nothing', async () => {
    const { hub, demand } = listening();
    const { connection, transport } = subscriber(hub);
    hub.subscribe(connection, wanting());
    hub.deliver(publicationOf(sampleWith()));
    await endOfTurn();
    expect(transport.lines).toHaveLength(1);
    expect(demand).toEqual(['+acme orders.metrics']);
  });

  test('ended is sent nothing more', async () => {
    const { hub } = listening();
    const { connection, transport } = subscriber(hub);
    hub.subscribe(connection, wanting({ channel: CARTS }));
    hub.unsubscribe(connection, [ORDERS, channelName('never.subscribed.metrics')]);
    expect(connection.channels).toEqual([CARTS]);
    hub.deliver(publicationOf(sampleWith()));
    hub.deliver(publicationOf(sampleWith(), { channel: CARTS, offset: 2 }));
    await endOfTurn();
    expect(transport.messages.map(({ offset }) => offset)).toEqual([2]);
    hub.unsubscribe(connection);
    expect(connection.channels).toEqual([]);
  });

  test('of a connection that is gone is none', () => {
    const { hub, demand } = listening();
    const { connection } = connect(hub);
    hub.close(connection);
    hub.subscribe(connection, wanting());
    expect(demand).toEqual([]);
    expect(hub.audiences.isWatched(ACME, ORDERS)).toBe(false);
  });
});

describe('a change of the framing', () => {
  test('holds for everything from there on', async () => {
    const { hub, demand } = listening();
    const { connection, transport } = subscriber(hub, { filter: NORTH });
    hub.send(connection, { before: true });
    const loud = {
      name: 'loud',
      frame: (message: object) => Buffer.from(`${JSON.stringify(message).toUpperCase()}\n`),
    };
    hub.reframe(connection, loud);
    hub.send(connection, { after: true });
    hub.deliver(publicationOf(sampleWith({ tags: { region: 'north' } })));
    await endOfTurn();
    expect(transport.lines[0]).toBe('{"before":true}');
    expect(transport.lines[1]).toBe('{"AFTER":TRUE}');
    expect(transport.lines[2]).toContain('"ORDERS.METRICS"');
    expect(demand).toEqual(['+acme orders.metrics']);
  });

  test('leaves the others in their audience alone', async () => {
    const { hub } = listening();
    const [framing, other] = [lineFraming(), lineFraming('other lines')];
    const [one, two] = [subscriber(hub, { framing }), subscriber(hub, { framing })];
    hub.reframe(one.connection, other);
    hub.deliver(publicationOf(sampleWith()));
    await endOfTurn();
    expect(one.transport.lines).toHaveLength(1);
    expect(two.transport.lines).toHaveLength(1);
    expect([framing.frames, other.frames]).toEqual([1, 1]);
  });
});

describe('a newer principal', () => {
  const EAST = filterOf({ region: 'east' });
  const regionsSeen = ({ messages }: RecordingTransport) =>
    messages.map(({ tags }) => (tags as { region: string }).region);
  const deliverTo = async (hub: Hub) => {
    for (const region of ['north', 'east']) hub.deliver(publicationOf(sampleWith({ tags: { region } })));
    await endOfTurn();
  };

  test('has its filter hold for what was subscribed before, and for nothing the one before it', async () => {
    const { hub, demand } = listening();
    const { connection, transport } = subscriber(hub, { principal: { filter: NORTH } });
    await deliverTo(hub);
    hub.renew(connection, { ...connection.principal, filter: EAST });
    await deliverTo(hub);
    hub.renew(connection, { ...connection.principal, filter: filterOf({}) });
    await deliverTo(hub);

    expect(regionsSeen(transport)).toEqual(['north', 'east', 'north', 'east']);
    // It was watched throughout.
    expect(demand).toEqual(['+acme orders.metrics']);
  });

  test('leaves those alone who were in one audience with it', async () => {
    const { hub } = listening();
    const [one, other] = [subscriber(hub), subscriber(hub)];
    hub.renew(one.connection, { ...one.connection.principal, filter: EAST });
    await deliverTo(hub);

    expect(regionsSeen(one.transport)).toEqual(['east']);
    expect(regionsSeen(other.transport)).toEqual(['north', 'east']);
  });

  test('is nobody’s where the connection is closed', () => {
    const { hub } = listening();
    const { connection } = subscriber(hub);
    const { principal } = connection;
    hub.close(connection);
    hub.renew(connection, { ...principal, filter: EAST });

    expect(connection.principal).toBe(principal);
    expect(connection.channels).toEqual([]);
  });
});

describe('a reader that is behind', () => {
  const state = (offset: number, text = '') => publicationOf(stateFor(undefined, { data: { text } }), { offset });
  const offsetsOf = ({ messages }: RecordingTransport) => messages.map(({ offset }) => offset);

  test('is sent what waits as soon as its transport has drained, or it answers that it has read on', async () => {
    let clock = 0;
    const hub = new Hub(Date.now, () => clock);
    const { connection, transport } = subscriber(hub);
    const publish = async (offset: number, text?: string) => {
      hub.deliver(state(offset, text));
      await endOfTurn();
    };
    await publish(1);
    hub.answered(connection, transport.pings.at(-1)!);
    transport.stall(256 * 1024 + 1);
    await publish(2);
    expect(offsetsOf(transport)).toEqual([1]);
    transport.drain();
    hub.drain(connection);
    expect(offsetsOf(transport)).toEqual([1, 2]);

    hub.ping(connection);
    clock += 2000;
    // Only when it is seen again is an answer that did not come one that is late, and only where much is unread.
    await publish(3, 'x'.repeat(20_000));
    await publish(4);
    clock += 100;
    for (const offset of [5, 6]) await publish(offset);
    expect(offsetsOf(transport)).toEqual([1, 2, 3, 4]);
    for (const forged of [0, 1_000_000]) hub.answered(connection, forged);
    expect(offsetsOf(transport)).toEqual([1, 2, 3, 4]);
    hub.answered(connection, transport.pings.at(-1)!);
    expect(offsetsOf(transport)).toEqual([1, 2, 3, 4, 6]);
    expect(transport.messages.at(-1)).toMatchObject({ conflated: 2 });
  });

  test('is told why it is closed, after what waited for it, as far as it reads that', async () => {
    const hub = new Hub();
    const members = [subscriber(hub), subscriber(hub)];
    for (const { transport } of members) transport.stall(256 * 1024 + 1);
    hub.deliver(state(1));
    await endOfTurn();
    members[0]!.transport.drain();
    for (const { connection } of members) hub.close(connection, CLOSE.goingAway);
    expect(members.map(({ transport }) => offsetsOf(transport))).toEqual([[1], []]);
    for (const { transport } of members) {
      expect(transport.closes).toEqual([CLOSE.goingAway]);
      expect(transport.late).toBe(0);
    }
  });
});

describe('a closed connection', () => {
  test('is told why, after what waited for it', async () => {
    const { hub } = listening();
    const { connection, transport } = subscriber(hub);
    hub.deliver(publicationOf(sampleWith()));
    hub.close(connection, CLOSE.tokenExpired);
    expect(transport.lines).toHaveLength(1);
    expect(transport.closes).toEqual([CLOSE.tokenExpired]);
    await endOfTurn();
    expect(transport.late).toBe(0);
  });

  test('is told nothing where its peer is gone', async () => {
    const { hub } = listening();
    const { connection, transport } = subscriber(hub);
    hub.deliver(publicationOf(sampleWith()));
    hub.close(connection);
    await endOfTurn();
    expect(transport.writes).toEqual([]);
    expect(transport.closes).toEqual([]);
  });

  test('is closed once', () => {
    const { hub, demand } = listening();
    const { connection, transport } = subscriber(hub);
    hub.close(connection, CLOSE.goingAway);
    hub.close(connection, CLOSE.internal);
    hub.close(connection);
    expect(transport.closes).toEqual([CLOSE.goingAway]);
    expect(demand).toEqual(['+acme orders.metrics', '-acme orders.metrics']);
  });

  test('is sent nothing, by whatever way', async () => {
    const { hub } = listening();
    const { connection, transport } = subscriber(hub);
    hub.close(connection, CLOSE.goingAway);
    hub.send(connection, { late: true });
    hub.sendFrame(connection, Buffer.from('late'));
    hub.reframe(connection, lineFraming('late'));
    hub.deliver(publicationOf(sampleWith()));
    hub.drain(connection);
    hub.showState(connection, publicationOf(stateFor()));
    await endOfTurn();
    expect(transport.late).toBe(0);
    expect(hub.connections.size).toBe(0);
  });
});

describe('a state that one connection is shown', () => {
  const shown = (state: number) => publicationOf(stateFor(undefined, { data: { state } }));
  const statesOf = ({ transport }: ReturnType<typeof subscriber>) => transport.messages.map(({ data }) => data);

  test('reaches it alone', async () => {
    const { hub } = listening();
    const [one, other] = [subscriber(hub), subscriber(hub)];
    hub.showState(one.connection, shown(1));
    await endOfTurn();
    expect(statesOf(one)).toEqual([{ state: 1 }]);
    expect(statesOf(other)).toEqual([]);
  });

  test('does not come after one that a tick brought meanwhile, unless it has subscribed again since', async () => {
    const { hub } = listening();
    const one = subscriber(hub);
    hub.deliver(shown(2));
    hub.showState(one.connection, shown(1));
    hub.subscribe(one.connection, wanting());
    hub.showState(one.connection, shown(3));
    await endOfTurn();
    expect(statesOf(one)).toEqual([{ state: 2 }, { state: 3 }]);
  });

  test('is none for a view that it does not want, or wants no more', async () => {
    const { hub } = listening();
    const one = subscriber(hub, { filter: NORTH });
    hub.showState(one.connection, shown(1));
    hub.unsubscribe(one.connection);
    hub.showState(one.connection, publicationOf(stateFor(NORTH)));
    await endOfTurn();
    expect(statesOf(one)).toEqual([]);
  });
});

describe('demand', () => {
  test('begins with the first subscriber of a tenant and ends with the last', () => {
    const { hub, demand } = listening();
    const [one, two] = [subscriber(hub), subscriber(hub, { dialect: new PlainDialect('other'), filter: NORTH })];
    const globex = subscriber(hub, { principal: { tenant: tenantId('globex') } });
    expect(demand.splice(0)).toEqual(['+acme orders.metrics', '+globex orders.metrics']);
    hub.close(one.connection);
    expect(demand).toEqual([]);
    hub.unsubscribe(two.connection);
    expect(demand.splice(0)).toEqual(['-acme orders.metrics']);
    hub.close(globex.connection, CLOSE.silent);
    expect(demand.splice(0)).toEqual(['-globex orders.metrics']);
    hub.subscribe(two.connection, wanting());
    expect(demand).toEqual(['+acme orders.metrics']);
  });

  test('is the distinct filters of a channel', () => {
    const { hub } = listening();
    const south = filterOf({ region: 'south' });
    subscriber(hub, { filter: NORTH });
    subscriber(hub, { filter: NORTH, format: 'points', dialect: new PlainDialect('other') });
    const leaving = subscriber(hub, { filter: south });
    subscriber(hub, { principal: { filter: filterOf({ env: 'test' }) } });
    expect([...hub.audiences.filtersOf(ACME, ORDERS).values()]).toEqual([NORTH, south, filterOf({ env: 'test' })]);
    hub.close(leaving.connection);
    expect([...hub.audiences.filtersOf(ACME, ORDERS).values()]).toEqual([NORTH, filterOf({ env: 'test' })]);
    expect(hub.audiences.filtersOf(ACME, CARTS).size).toBe(0);
    expect(hub.audiences.filtersOf(tenantId('globex'), ORDERS).size).toBe(0);
  });
});
