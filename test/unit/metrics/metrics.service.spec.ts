import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_FILTER } from '../../../src/protocol/index.js';
import { connect, subscriber, wanting } from '../../support/connected.js';
import { PlainDialect, lineFraming } from '../../support/plain-dialect.js';
import { ACME, tenantId } from '../../support/principals.js';
import { ORDERS, channelName, filterOf } from '../../support/publications.js';
import { CollectingApp, Source } from './collecting-app.js';

const CLOCK = channelName('clock.metrics');
const SLOW = channelName('slow.metrics');
const TAGS = { host: 'server1', env: 'production' };

let app: CollectingApp;
let orders: Source;
/** Ticks beside `orders`, at the same pace: what happens to it says how often the other could have. */
let clock: Source;
let slow: Source;

beforeEach(async () => {
  orders = new Source(ORDERS, { dimensions: ['shop'] });
  clock = new Source(CLOCK);
  slow = new Source(SLOW, { every: 0.3 });
  app = await CollectingApp.start([orders, clock, slow], { tags: TAGS });
});
afterEach(() => app.close());

/** A subscriber of the channel that ticks along. */
function startClock(principal = {}) {
  const { connection } = connect(app.hub, { principal });
  app.hub.subscribe(connection, wanting({ channel: CLOCK }));
}

function ticksOf(messages: Record<string, unknown>[]): unknown[] {
  return messages.map(({ data }) => (data as { tick: number }).tick);
}

describe('the metrics service', () => {
  test('collects what somebody is subscribed to, tick after tick', async () => {
    const { transport } = subscriber(app.hub);
    await transport.received(3);
    expect(transport.messages).toMatchObject([
      { channel: ORDERS, kind: 'state', data: { tick: 1 }, offset: 1 },
      { channel: ORDERS, kind: 'state', data: { tick: 2 }, offset: 2 },
      { channel: ORDERS, kind: 'state', data: { tick: 3 }, offset: 3 },
    ]);
    expect(orders.calls[0]).toEqual({
      tenant: ACME,
      filter: {},
      features: { compression: true, embeddings: true, workflows: true, response_cache: true },
      timestamp: expect.closeTo(Date.now(), -4) as number,
    });
  });

  test('tells of every tick how late it began, and how long it took', async () => {
    const ticks: [lag: number, duration: number][] = [];
    app.metrics.onTick((lag, duration) => ticks.push([lag, duration]));
    orders.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return {};
    };
    const { transport } = subscriber(app.hub);
    await transport.received(2);
    // What keeps the event loop from the timers shows in the ticks after it.
    const end = performance.now() + 250;
    while (performance.now() < end);
    await transport.received(4);

    expect(ticks.length).toBeGreaterThanOrEqual(3);
    for (const [, duration] of ticks) expect(duration).toBeGreaterThan(25);
    expect(Math.max(...ticks.map(([lag]) => lag))).toBeGreaterThan(50);
    expect(Math.min(...ticks.map(([lag]) => lag))).toBeGreaterThanOrEqual(0);
  });

  test('gives the whole of a channel to be kept as history, and no view of it', async () => {
    subscriber(app.hub, { filter: filterOf({ shop: 'north' }) });
    await orders.called(3);
    expect(app.kept).toEqual([]);
    subscriber(app.hub);
    await orders.called(4);
    expect(app.kept.length).toBeGreaterThan(0);
    expect(app.kept.map(({ filterKey }) => filterKey)).toEqual(app.kept.map(() => ''));
  });

  test('knows nothing more of what was kept once nobody watches', async () => {
    const { connection } = subscriber(app.hub);
    await orders.called(1);
    expect(app.forgotten).toEqual([]);
    app.hub.close(connection);

    expect(app.forgotten).toContain(ORDERS);
  });

  test('collects nothing else', async () => {
    subscriber(app.hub);
    await orders.called(3);
    expect(clock.calls).toEqual([]);
    expect(slow.calls).toEqual([]);
  });

  test('computes a state once a tick, however many subscribers, dialects, encodings and formats', async () => {
    const dialects = [new PlainDialect('a'), new PlainDialect('b')];
    const framings = [lineFraming('x'), lineFraming('y')];
    const all = dialects.flatMap((dialect) =>
      framings.flatMap((framing) =>
        ['ada', 'bob', 'eve'].map((subject) => subscriber(app.hub, { dialect, framing, principal: { subject } })),
      ),
    );
    const points = all.map(({ connection }) => {
      const { dialect, framing } = connection;
      return subscriber(app.hub, { dialect, framing, format: 'points' });
    });
    await Promise.all([...all, ...points].map(({ transport }) => transport.received(3)));
    // Were it computed for each of them, they would see other numbers.
    for (const { transport } of all) expect(ticksOf(transport.messages).slice(0, 3)).toEqual([1, 2, 3]);
    for (const { transport } of points)
      expect(transport.messages.map(({ value }) => value).slice(0, 3)).toEqual([1, 2, 3]);
    expect(new Set(orders.calls.map(({ timestamp }) => timestamp)).size).toBe(orders.calls.length);
  });

  test('computes a state once for each filter, and gives the views of a tick one number', async () => {
    const filters = [NO_FILTER, filterOf({ shop: 'north' }), filterOf({ shop: ['south', 'north'] })];
    orders.answer = ({ filter }) => ({ shop: filter['shop'] ?? null });
    const all = [...filters, ...filters].map((filter) => subscriber(app.hub, { filter }));
    await Promise.all(all.map(({ transport }) => transport.received(2)));
    expect(all.map(({ transport }) => transport.messages[0])).toMatchObject(
      [null, ['north'], ['north', 'south'], null, ['north'], ['north', 'south']].map((shop) => ({
        data: { shop },
        offset: 1,
      })),
    );
    const firstTick = orders.calls.filter(({ timestamp }) => timestamp === orders.calls[0]!.timestamp);
    expect(firstTick).toHaveLength(3);
  });

  test('gives the views of a tick one number, however many filters there are', async () => {
    orders.answer = ({ filter }) => ({ shop: filter['shop'] });
    const shops = Array.from({ length: 150 }, (_, index) => `shop ${index}`);
    const all = shops.map((shop) => subscriber(app.hub, { filter: filterOf({ shop }) }));
    await Promise.all(all.map(({ transport }) => transport.received(1)));
    expect(all.map(({ transport }) => transport.messages[0])).toMatchObject(
      shops.map((shop) => ({ data: { shop: [shop] }, offset: 1 })),
    );
  });

  test('sends a state as JSON has it, and its points', async () => {
    orders.answer = () => ({ none: undefined, nan: Number.NaN, at: new Date(0), fine: 1.5 });
    const snapshot = subscriber(app.hub, { dialect: new PlainDialect('a') });
    const points = subscriber(app.hub, { format: 'points' });
    await Promise.all([snapshot.transport.received(1), points.transport.received(1)]);
    expect(snapshot.transport.messages[0]!['data']).toStrictEqual({
      nan: null,
      at: '1970-01-01T00:00:00.000Z',
      fine: 1.5,
    });
    expect(points.transport.messages[0]).toMatchObject({ name: 'fine', value: 1.5 });
  });

  test('computes the points of a state once, and only for those who ask for points', async () => {
    let made = 0;
    const source = new Source('jobs.metrics', { points: () => [{ name: 'p', type: 'gauge', value: ++made }] });
    await app.close();
    app = await CollectingApp.start([source]);
    const jobs = channelName('jobs.metrics');
    const snapshot = connect(app.hub);
    app.hub.subscribe(snapshot.connection, wanting({ channel: jobs }));
    await snapshot.transport.received(1);
    expect(made).toBe(0);
    const points = ['a', 'b'].map((name) => connect(app.hub, { dialect: new PlainDialect(name) }));
    for (const { connection } of points) app.hub.subscribe(connection, wanting({ channel: jobs, format: 'points' }));
    await Promise.all(points.map(({ transport }) => transport.received(2)));
    for (const { transport } of points)
      expect(transport.messages.map(({ value }) => value).slice(0, 2)).toEqual([1, 2]);
  });

  test('collects each tenant for itself', async () => {
    orders.answer = ({ tenant }) => ({ tenant });
    const tenants = ['acme', 'globex'].map(tenantId);
    const peers = tenants.map((tenant) => subscriber(app.hub, { principal: { tenant } }));
    await Promise.all(peers.map(({ transport }) => transport.received(2)));
    peers.forEach(({ transport }, at) => {
      // One may have got a third by now.
      const first = transport.messages.slice(0, 2);
      expect(first).toMatchObject([1, 2].map((offset) => ({ data: { tenant: tenants[at] }, offset })));
    });
  });

  test('sends nothing for null, and counts nothing', async () => {
    orders.answer = () => (orders.calls.length < 3 ? null : { tick: orders.calls.length });
    const { transport } = subscriber(app.hub);
    await transport.received(1);
    expect(transport.messages).toMatchObject([{ data: { tick: 3 }, offset: 1 }]);
  });
});

describe('a filter by the tags of every state', () => {
  test('that they do not match costs no collection', async () => {
    startClock();
    const { transport } = subscriber(app.hub, { filter: filterOf({ env: 'test' }) });
    subscriber(app.hub, { filter: filterOf({ env: 'test', shop: 'north' }) });
    subscriber(app.hub, { principal: { filter: filterOf({ unknown: 'tag' }) } });
    await clock.called(4);
    expect(orders.calls).toEqual([]);
    expect(transport.writes).toEqual([]);
  });

  test('that they match is not for the collector to know', async () => {
    const filter = filterOf({ env: ['production', 'test'], shop: 'north' });
    const { transport } = subscriber(app.hub, { filter });
    await transport.received(1);
    expect(orders.calls[0]!.filter).toEqual({ shop: ['north'] });
  });
});

describe('timers', () => {
  test('are one for each interval that is in use, and none for each client', async () => {
    expect(app.timers).toEqual([]);
    for (let client = 0; client < 10; client++) {
      const { connection } = subscriber(app.hub, { principal: { tenant: tenantId(`t${client}`) } });
      app.hub.subscribe(connection, wanting({ channel: CLOCK }));
    }
    expect(app.timers).toEqual(['metricast:tick:100ms']);
    const { connection } = connect(app.hub);
    app.hub.subscribe(connection, wanting({ channel: SLOW }));
    expect(app.timers).toEqual(['metricast:tick:100ms', 'metricast:tick:300ms']);
    app.hub.unsubscribe(connection);
    expect(app.timers).toEqual(['metricast:tick:100ms']);
    await orders.called(1);
  });

  test('vanish with the last subscriber, and come back with the next', async () => {
    const peers = [subscriber(app.hub), subscriber(app.hub)];
    await orders.called(1);
    app.hub.close(peers[0]!.connection);
    expect(app.timers).toHaveLength(1);
    app.hub.close(peers[1]!.connection);
    expect(app.timers).toEqual([]);
    const { transport } = subscriber(app.hub);
    await transport.received(1);
  });

  test('are none for a channel that nobody collects', () => {
    const { connection } = connect(app.hub);
    app.hub.subscribe(connection, wanting({ channel: channelName('recorded.metrics') }));
    expect(app.timers).toEqual([]);
  });

  test('are never faster than the default interval', async () => {
    await app.close();
    app = await CollectingApp.start([new Source('eager.metrics', { every: 0.1 })], { updateInterval: 2 });
    const { connection } = connect(app.hub);
    app.hub.subscribe(connection, wanting({ channel: channelName('eager.metrics') }));
    expect(app.timers).toEqual(['metricast:tick:2000ms']);
  });

  test('end with the application', async () => {
    subscriber(app.hub);
    await orders.called(1);
    expect(app.timers).toHaveLength(1);
    await app.close();
    expect(app.timers).toEqual([]);
  });
});

describe('a collector that is slow', () => {
  test('is waited for and not piled upon, and holds up no other', async () => {
    let finish!: () => void;
    orders.answer = () => new Promise((resolve) => (finish = () => resolve({ late: true })));
    startClock();
    const { transport } = subscriber(app.hub);
    await orders.called(1);
    await clock.called(5);
    expect(orders.calls).toHaveLength(1);
    const next = orders.called(1);
    finish();
    await transport.received(1);
    expect(transport.messages).toMatchObject([{ data: { late: true } }]);
    await next;
    finish();
  });

  test('is not piled upon either by subscribers that come and go', async () => {
    const pending: (() => void)[] = [];
    orders.answer = () => new Promise((resolve) => pending.push(() => resolve(null)));
    startClock();
    for (let visitor = 0; visitor < 4; visitor++) {
      const { connection } = subscriber(app.hub);
      await clock.called(2);
      app.hub.close(connection);
    }
    expect(orders.calls).toHaveLength(1);
    for (const finish of pending) finish();
  });
});

describe('a collector that fails', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
  ])('gives subscribers the error of their dialect, and recovers: it %s', async (_how, fail) => {
    orders.answer = (context) => (orders.calls.length <= 3 ? fail() : { tick: orders.calls.length, ...context });
    const { transport } = subscriber(app.hub);
    await transport.received(5);
    expect(transport.messages.slice(0, 5).map(({ kind }) => kind)).toEqual([
      'failure',
      'failure',
      'failure',
      'state',
      'state',
    ]);
    expect(app.logged(ORDERS)).toEqual([
      `error ${ORDERS} could not be collected: Error: no database`,
      `log ${ORDERS} is collected again`,
    ]);
  });

  test('for one filter or tenant leaves the others alone, and is logged once', async () => {
    const globex = tenantId('globex');
    orders.answer = ({ tenant, filter }) => {
      if (tenant === globex && filter['shop']) throw new Error('no such shop');
      return { fine: true };
    };
    const peers = [
      subscriber(app.hub),
      subscriber(app.hub, { principal: { tenant: globex } }),
      subscriber(app.hub, { principal: { tenant: globex }, filter: filterOf({ shop: 'north' }) }),
    ];
    await Promise.all(peers.map(({ transport }) => transport.received(4)));
    const kinds = peers.map(({ transport }) => new Set(transport.messages.map(({ kind }) => kind)));
    expect(kinds).toEqual([new Set(['state']), new Set(['state']), new Set(['failure'])]);
    expect(app.logged(ORDERS)).toEqual([`error ${ORDERS} could not be collected: Error: no such shop`]);
  });

  test('by what cannot be sent gives an error as well, and the ticks go on', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    orders.answer = () => (orders.calls.length <= 2 ? circle : { tick: orders.calls.length });
    const { transport } = subscriber(app.hub);
    await transport.received(3);
    expect(transport.messages.slice(0, 3).map(({ kind }) => kind)).toEqual(['failure', 'failure', 'state']);
    expect(app.logged(ORDERS)).toEqual([
      expect.stringMatching(/^error .* could not be collected: TypeError: Converting circular structure to JSON/),
      `log ${ORDERS} is collected again`,
    ]);
  });

  test('to make points gives an error to those who asked for points, and to nobody else', async () => {
    const jobs = channelName('jobs.metrics');
    const points = () => {
      throw new Error('no points');
    };
    await app.close();
    app = await CollectingApp.start([new Source(jobs, { points })]);
    const peers = (['snapshot', 'points'] as const).map((format) => {
      const peer = connect(app.hub);
      app.hub.subscribe(peer.connection, wanting({ channel: jobs, format }));
      return peer;
    });
    await Promise.all(peers.map(({ transport }) => transport.received(3)));
    const kinds = peers.map(({ transport }) => new Set(transport.messages.map(({ kind }) => kind)));
    expect(kinds).toEqual([new Set(['state']), new Set(['failure'])]);
    expect(app.logged(jobs)).toEqual([`error ${jobs} could not be collected: Error: no points`]);
  });
});
