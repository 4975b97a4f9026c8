import { beforeEach, describe, expect, test } from 'vitest';
import { type Connection, Hub } from '../../../src/hub/index.js';
import { type Interval, NO_FILTER, type TagFilter } from '../../../src/protocol/index.js';
import { type Connected, connect, endOfTurn, wanting } from '../../support/connected.js';
import { ACME } from '../../support/principals.js';
import { ORDERS, failureFor, filterOf, publicationOf, sampleWith, stateFor } from '../../support/publications.js';

const NORTH = filterOf({ shop: 'north' });

let hub: Hub;
/** Beginnings and ends of the wish for windows, in order. */
let demand: string[];
beforeEach(() => {
  hub = new Hub();
  demand = [];
  hub.audiences.onInterval((tenant, channel, interval, isWanted) =>
    demand.push(`${isWanted ? '+' : '-'}${tenant} ${channel} ${interval}`),
  );
});

function subscribe(connection: Connection, interval?: Interval, filter: TagFilter = NO_FILTER): void {
  hub.subscribe(connection, { ...wanting({ filter }), interval });
}

function watching(interval?: Interval, filter: TagFilter = NO_FILTER): Connected {
  const connected = connect(hub);
  subscribe(connected.connection, interval, filter);
  return connected;
}

describe('windows of a channel', () => {
  test('are asked for by the first who wants them, and until the last one leaves', () => {
    watching();
    expect(demand).toEqual([]);
    const all = [watching('1s'), watching('1s'), watching('1s', NORTH), watching('5s')];
    expect(demand).toEqual(['+acme orders.metrics 1s', '+acme orders.metrics 5s']);
    for (const { connection } of all.splice(0, 2)) hub.close(connection);
    expect(demand).toHaveLength(2);
    for (const { connection } of all) hub.unsubscribe(connection);
    expect(demand.slice(2)).toEqual(['-acme orders.metrics 1s', '-acme orders.metrics 5s']);
  });

  test('are asked for throughout where a subscription is replaced by one that wants them too', () => {
    const { connection } = watching('1s');
    subscribe(connection, '1s', NORTH);
    hub.hold(connection, { ...wanting(), interval: '1s' });
    hub.release(connection, ORDERS, () => false);
    expect(demand).toEqual(['+acme orders.metrics 1s']);
    subscribe(connection);
    expect(demand).toEqual(['+acme orders.metrics 1s', '-acme orders.metrics 1s']);
  });

  test('are told apart by view', () => {
    watching('1s');
    watching('5s', NORTH);
    watching('1m', NORTH);
    expect([...hub.audiences.intervalsOf(ACME, ORDERS, '')]).toEqual(['1s']);
    expect([...hub.audiences.intervalsOf(ACME, ORDERS, '{"shop":["north"]}')]).toEqual(['5s', '1m']);
    expect([...hub.audiences.intervalsOf(ACME, ORDERS, '{"shop":["south"]}')]).toEqual([]);
  });

  test('reach those who want windows of this length, and take the place of values and states', async () => {
    const all = [watching(), watching('1s'), watching('5s'), watching('1s', NORTH)];
    const tags = { shop: 'north' };
    const messages = [
      sampleWith({ value: 1, tags }),
      sampleWith({ value: 2, tags, window: { interval: '1s' } }),
      sampleWith({ value: 3, window: { interval: '1s' } }),
      sampleWith({ value: 4, window: { interval: '1s', filterKey: '{"shop":["north"]}' } }),
      stateFor(NO_FILTER, { data: { value: 5 } }),
    ];
    for (const message of messages) hub.deliver(publicationOf(message));
    await endOfTurn();
    expect(all.map(({ transport }) => transport.messages.map(({ data }) => data))).toEqual([
      [1, { value: 5 }],
      [2, 3],
      [],
      [2, 4],
    ]);
  });

  test('that failed are told of to those who want them, whatever their filter', async () => {
    const all = [watching(), watching('1s'), watching('5s'), watching('1s', NORTH)];
    const failures = [
      { kind: 'failure' as const, timestamp: 0, interval: '1s' as const },
      { ...failureFor(NORTH), interval: '1s' as const },
      failureFor(),
    ];
    for (const message of failures) hub.deliver(publicationOf(message));
    await endOfTurn();
    expect(all.map(({ transport }) => transport.messages.length)).toEqual([1, 2, 1, 2]);
  });
});
