import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { INTERVALS, INTERVAL_NAMES, type Interval } from '../../../src/protocol/index.js';
import { SECRET, TestApp, secondsFromNow } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const ORDERS = 'orders.metrics';
/** A whole hour. */
const NOON = Date.UTC(2026, 10, 21, 12);
const iso = (instant: number) => new Date(instant).toISOString();

let app: TestApp;
let tenant: TestTenant;
let claims: Record<string, unknown>;
const clients: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  // Whoever is silent by the time of day is not to be given up where that is set on by an hour.
  app = await TestApp.start({ auth: { secret: SECRET }, heartbeatInterval: 3600 });
});
afterAll(() => app.close());
beforeEach(async () => {
  tenant = new TestTenant(app);
  // The time of day stands where it is set; timers run.
  vi.useFakeTimers({ toFake: ['Date'], now: NOON - 3_600_000 });
  claims = { exp: secondsFromNow(86_400) };
  await record(gauge(ORDERS, { name: 'first' }));
  vi.setSystemTime(NOON + 300);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  vi.useRealTimers();
});

async function record(...items: Record<string, unknown>[]): Promise<void> {
  const { status, body } = await tenant.record('metrics', items, tenant.token(claims));
  if (status !== 202) throw new Error(JSON.stringify(body));
}

async function watch(
  encoding: 'JSON' | 'MessagePack',
  options: WireMessage,
  own: object = {},
): Promise<ChannelsClient> {
  const client = await tenant.watch(encoding, tenant.token({ ...claims, ...own }));
  clients.push(client);
  expect(await client.subscribe([ORDERS], options)).toMatchObject({ type: 'subscribed' });
  return client;
}

/** What was counted, measured and observed within an interval, a reset included. */
function values(interval: Interval): Record<string, unknown>[] {
  const at = (share: number) => iso(NOON + Math.floor(INTERVALS[interval] * share));
  const of = (name: string, type: string, list: readonly number[]) =>
    list.map((value, index) => ({
      ...{ channel: ORDERS, name, type, value, tags: { shop: 'north' } },
      timestamp: at(index / list.length),
    }));
  return [
    ...of('orders.open', 'gauge', [1, 5, 3]),
    ...of('orders.placed', 'counter', [10, 14, 3, 5]),
    ...of('orders.seconds', 'histogram', [0.1, 0.2, 0.3, 40]),
  ];
}

/** Without what only a live message has. */
function asInHistory(messages: readonly WireMessage[]): unknown[] {
  return messages.map((message) => Object.fromEntries(Object.entries(message).filter(([name]) => name !== 'offset')));
}

function byName(messages: readonly WireMessage[]): WireMessage[] {
  return messages.toSorted((one, other) => (String(one['name']) < String(other['name']) ? -1 : 1));
}

describe.each(ENCODINGS)('windows over %s', (encoding) => {
  it.each(INTERVAL_NAMES)('of %s are what history has of them', async (aggregation_interval) => {
    const client = await watch(encoding, { aggregation_interval });
    vi.setSystemTime(NOON + INTERVALS[aggregation_interval] * 0.8);
    await record(...values(aggregation_interval));
    vi.setSystemTime(NOON + INTERVALS[aggregation_interval] + 250);
    const live = byName([await client.next(), await client.next(), await client.next()]);

    const window = { interval: aggregation_interval, window_start: iso(NOON) };
    const own = { channel: ORDERS, tags: { shop: 'north' }, timestamp: iso(NOON), ...window };
    const about = (value: number) => expect.closeTo(value, 2) as number;
    expect(live).toEqual([
      { ...own, name: 'orders.open', type: 'gauge', value: 3, count: 3, sum: 9, min: 1, max: 5, last: 3, offset: 13 },
      // 10 at first, 4 more, began again at 3, 2 more.
      { ...own, name: 'orders.placed', type: 'counter', value: 19, count: 4, sum: 32, min: 3, max: 14, offset: 13 },
      {
        ...{ ...own, name: 'orders.seconds', type: 'histogram', value: about(0.2) },
        ...{ count: 4, sum: about(40.6), min: 0.1, max: 40, p50: about(0.2), p95: about(0.3), p99: about(0.3) },
        offset: 13,
      },
    ]);
    const history = await client.ask({
      type: 'get_history',
      data: {
        ...{ channel: ORDERS, aggregation_interval, tags: { shop: 'north' } },
        ...{ start_time: iso(NOON), end_time: iso(NOON + INTERVALS[aggregation_interval]) },
      },
    });
    expect(byName(history['metrics'] as WireMessage[])).toEqual(asInHistory(live));
  });

  it('come in place of the values, and of them only those that the filters of subscription and token let through', async () => {
    const north = await watch(encoding, { aggregation_interval: '1s', tags: { shop: 'north' } });
    const granted = await watch(encoding, { aggregation_interval: '1s' }, { filter: { shop: 'north' } });
    const plain = await watch(encoding, {});
    const shops = ['north', 'south'].map((shop) => gauge(ORDERS, { tags: { shop }, value: shop.length }));
    await record(...shops, ...shops);
    vi.setSystemTime(NOON + 1250);

    for (const client of [north, granted]) {
      expect(await client.next()).toMatchObject({ tags: { shop: 'north' }, value: 5, count: 2, interval: '1s' });
    }
    expect((await plain.settled()).map(({ value, interval }) => [value, interval])).toEqual(
      [5, 5, 5, 5].map((value) => [value, undefined]),
    );
    for (const client of [north, granted]) expect(await client.settled()).toEqual([]);
  });

  it('are not sent again where a value comes late, which history has', async () => {
    const client = await watch(encoding, { aggregation_interval: '1s' });
    await record(gauge(ORDERS, { value: 4 }));
    vi.setSystemTime(NOON + 1300);
    expect(await client.next()).toMatchObject({ value: 4, count: 1, window_start: iso(NOON) });
    await record(gauge(ORDERS, { value: 8, timestamp: iso(NOON + 10) }), gauge(ORDERS, { value: 1 }));
    vi.setSystemTime(NOON + 2300);

    expect(await client.next()).toMatchObject({ value: 1, count: 1, window_start: iso(NOON + 1000) });
    const data = { channel: ORDERS, name: 'level', start_time: iso(NOON), aggregation_interval: '1s' };
    expect(await client.ask({ type: 'get_history', data })).toMatchObject({
      metrics: [
        { value: 6, count: 2, window_start: iso(NOON) },
        { value: 1, count: 1, window_start: iso(NOON + 1000) },
      ],
    });
  });

  it('of a collected state hold each of its points', async () => {
    const client = await watch(encoding, {});
    const system = (options: WireMessage) => client.subscribe(['system.metrics'], options);
    await system({});
    await client.nextOf('system.metrics');
    await system({ aggregation_interval: '5s' });
    // Some states of one moment, by the clock that stands.
    const other = await watch(encoding, {});
    await other.subscribe(['system.metrics']);
    for (let state = 0; state < 2; state++) await other.nextOf('system.metrics');
    vi.setSystemTime(NOON + 5250);

    const names = ['cpu.percent', 'memory.percent', 'disk.percent', 'network.bytes_sent', 'network.bytes_recv'];
    for (const name of names) {
      const window = await client.nextOf('system.metrics');
      expect(window).toMatchObject({
        name,
        interval: '5s',
        window_start: iso(NOON),
        tags: { host: expect.any(String) },
      });
      expect(window['count']).toBeGreaterThanOrEqual(1);
      expect(window['min']).toBeLessThanOrEqual(window['max'] as number);
    }
  });
});

it('windows of a second come by themselves, second after second', async () => {
  vi.useRealTimers();
  const client = await watch('JSON', { aggregation_interval: '1s' });
  const starts: number[] = [];
  for (let window = 0; window < 3; window++) {
    await record(gauge(ORDERS, { value: window }));
    const { value, window_start } = await client.next();
    expect(value).toBe(window);
    starts.push(Date.parse(window_start as string));
    expect(Date.now() - starts.at(-1)!).toBeGreaterThanOrEqual(1250);
  }
  expect(starts.map((start) => start % 1000)).toEqual([0, 0, 0]);
  expect(new Set(starts).size).toBe(3);
});

it('windows are streamed as server-sent events', async () => {
  const query = `dialect=channels&channels=${ORDERS}&aggregation_interval=5s&tags={"shop":"north"}`;
  const stream = await tenant.stream(query, tenant.token(claims));
  clients.push(stream);
  await stream.next({ type: 'subscribed' });
  await record(...[2, 4].map((value) => gauge(ORDERS, { value, tags: { shop: 'north' } })), gauge(ORDERS));
  vi.setSystemTime(NOON + 5250);

  const { id, message } = await stream.next({ channel: ORDERS });
  expect(message).toMatchObject({ value: 3, count: 2, interval: '5s', window_start: iso(NOON) });
  expect(id).toContain(ORDERS);
});
