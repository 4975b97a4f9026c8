import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Hub } from '../../../../src/hub/index.js';
import type { Collectors, Windows } from '../../../../src/metrics/index.js';
import {
  type Interval,
  NO_FILTER,
  type Subscription,
  type TenantId,
  windowStart,
} from '../../../../src/protocol/index.js';
import type { HistoryReader } from '../../../../src/store/index.js';
import { Backfill, PastSender } from '../../../../src/transports/connections/index.js';
import { type Connected, connect, endOfTurn, wanting } from '../../../support/connected.js';
import { ORDERS, sampleWith, stateFor } from '../../../support/publications.js';
import { set } from '../../../support/settings.js';
import { type Storage, newTenant, openStorage } from '../../../support/storage.js';

const HOUR = 3_600_000;

let storage: Storage;
let tenant: TenantId;
let hub: Hub;
/** Times that the history was read on. */
let slices: number;
let isCollected: boolean;
/** What is told of the windows that are open. */
let openFrom: number | undefined;
let caughtUp: () => Promise<void>;
let backfill: Backfill;
beforeEach(async () => {
  storage = await openStorage('sqlite::memory:');
  tenant = newTenant();
  hub = new Hub();
  storage.broker.onPublication((publication) => hub.deliver(publication));
  slices = 0;
  const history = {
    async open(...[span, from]: Parameters<HistoryReader['open']>) {
      const opened = await storage.history.open(span, from);
      async function* counted() {
        for await (const slice of opened.slices) {
          slices++;
          yield slice;
        }
      }
      return { ...opened, slices: counted() };
    },
  } as unknown as HistoryReader;
  const past = new PastSender(hub, storage.queue, storage.broker);
  isCollected = false;
  const collectors = { has: () => isCollected } as unknown as Collectors;
  openFrom = undefined;
  caughtUp = () => Promise.resolve();
  const windows = { openFrom: () => openFrom, caughtUp: () => caughtUp() } as unknown as Windows;
  backfill = new Backfill(hub, collectors, windows, history, storage.tenants, past);
});
afterEach(() => storage.close());

/** Values from 1 on, one a millisecond, an hour ago. */
async function record(count: number, first = 1): Promise<void> {
  const begin = Date.now() - HOUR;
  for (let start = 0; start < count; start += 10_000) {
    const items = Array.from({ length: Math.min(10_000, count - start) }, (_, index) => ({
      channel: ORDERS,
      name: 'n',
      type: 'gauge' as const,
      value: first + start + index,
      timestamp: (begin + start + index) / 1000,
    }));
    expect(await storage.metrics.record(tenant, items)).toMatchObject({ accepted: items.length });
  }
}

/** Somebody who subscribes with all that was recorded in the last two hours. */
function subscribe(
  { connection, transport } = connect(hub, { principal: { tenant } }),
  interval?: Interval,
): Connected {
  const subscription: Subscription = { ...wanting(), interval };
  hub.hold(connection, subscription);
  const position = storage.broker.position(tenant, ORDERS);
  const since = Date.now() - 2 * HOUR;
  backfill.begin(connection, [{ connection, channel: ORDERS, subscription, position }], { since, id: 7 });
  return { connection, transport };
}

const valuesIn = ({ transport }: Connected) =>
  transport.messages.flatMap(({ data }) => (data === undefined ? [] : [data]));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Resolves when connections were given so many frames in all, and these are written. */
async function framesGiven(count: number): Promise<void> {
  await vi.waitFor(() => expect(hub.counts.frames).toBe(count), { timeout: 15_000 });
  await endOfTurn();
}

describe('history that a subscription begins with', () => {
  test('has once what is committed when it begins, and not published yet', async () => {
    let reader!: Connected;
    storage.queue.onCommit(() => (reader ??= subscribe()));
    await record(3000);
    await record(1, 3001);
    await vi.waitFor(() => expect(valuesIn(reader)).toContain(3001));

    expect(valuesIn(reader)).toEqual(upTo(3001));
  });

  test('is read no faster than its reader takes it', async () => {
    await record(20_000);
    const { connection, transport } = connect(hub, { principal: { tenant } });
    transport.isReading = false;
    const reader = subscribe({ connection, transport });
    await vi.waitFor(() => expect(transport.bufferedBytes).toBeGreaterThan(0));
    for (let turn = 0; turn < 100; turn++) await endOfTurn();

    expect(slices).toBe(1);
    expect(connection.outbox.queuedBytes).toBeLessThan(256 * 1024);
    transport.drain();
    hub.drain(connection);
    await framesGiven(20_000);
    expect(valuesIn(reader)).toEqual(upTo(20_000));
  });

  test('ends with its connection', async () => {
    await record(20_000);
    const { connection, transport } = connect(hub, { principal: { tenant } });
    transport.isReading = false;
    subscribe({ connection, transport });
    await vi.waitFor(() => expect(slices).toBe(1));
    hub.close(connection);
    for (let turn = 0; turn < 100; turn++) await endOfTurn();

    expect(slices).toBe(1);
    expect(hub.audiences.isWatched(tenant, ORDERS)).toBe(false);
  });

  test('is of each of several subscriptions in its turn, whichever was asked for last', async () => {
    await record(5000);
    const reader = subscribe();
    subscribe(reader);
    await record(1, 5001);
    await vi.waitFor(() => expect(valuesIn(reader)).toContain(5001));

    // The first was replaced before it was read.
    expect(valuesIn(reader)).toEqual(upTo(5001));
  });

  test('of 50,000 values is all of them', async () => {
    await record(50_000);
    const reader = subscribe();
    await framesGiven(50_000);
    await record(1, 50_001);
    await framesGiven(50_001);

    expect(valuesIn(reader)).toEqual(upTo(50_001));
  });

  test('of more than 50,000 values breaks off with an error, and goes on with what is published', async () => {
    await record(50_002);
    const reader = subscribe();
    await record(1, 60_000);
    await framesGiven(50_002);

    expect(valuesIn(reader)).toEqual([...upTo(50_000), 60_000]);
    expect(reader.transport.messages.at(-2)).toEqual({ error: 'bad_subscription', id: 7 });
  });

  test('is not sent where nothing is sent of its channel', async () => {
    await record(10);
    set(storage.tenants, tenant, { metricsStreaming: false });
    const { transport } = subscribe();
    for (let turn = 0; turn < 20; turn++) await endOfTurn();

    expect(transport.messages).toEqual([]);
    expect([...hub.audiences.all()]).toHaveLength(1);
  });

  test('of a collected channel is what is kept of its points, up to the first state that is published', async () => {
    isCollected = true;
    await record(10);
    const { connection, transport } = connect(hub, { principal: { tenant } });
    const subscription: Subscription = { ...wanting(), format: 'points' };
    hub.hold(connection, subscription);
    const { messages } = await storage.metricsHistory.page(tenant, {
      channel: ORDERS,
      start_time: Date.now() / 1000 - 7200,
    });
    // The point of it that is kept too, as the eighth value.
    const { timestamp } = messages[7]!;
    const points = () => [sampleWith({ name: 'n', value: 8, timestamp })];
    await storage.broker.publishHere([
      { tenant, channel: ORDERS, message: stateFor(NO_FILTER, { timestamp, points }) },
    ]);
    const held = { connection, channel: ORDERS, subscription, position: storage.broker.position(tenant, ORDERS) };
    backfill.begin(connection, [held], { since: 0 });
    await framesGiven(8);

    expect(transport.messages.map(({ data, value }) => data ?? value)).toEqual(upTo(8));
  });

  test('in windows has none of them twice, whichever is published meanwhile', async () => {
    await record(1, 7);
    const begin = windowStart(Date.now() - HOUR, HOUR);
    openFrom = begin + 2 * HOUR;
    const publish = (value: number, timestamp: number) => {
      const message = sampleWith({ name: 'n', value, timestamp, window: { interval: '1h' } });
      return storage.broker.publishHere([{ tenant, channel: ORDERS, message }]);
    };
    // One that came late is sent once more to those who were there.
    caughtUp = () => publish(7, begin);
    const reader = subscribe(undefined, '1h');
    await publish(7, begin);
    await publish(8, openFrom);
    await vi.waitFor(() => expect(valuesIn(reader)).toContain(8));

    expect(valuesIn(reader)).toEqual([7, 8]);
  });

  test.each([
    { format: 'snapshot', interval: undefined, isThere: false },
    { format: 'points', interval: undefined, isThere: true },
    { format: 'snapshot', interval: '1m', isThere: true },
  ] as const)('of a collected channel as $format, by $interval: $isThere', ({ format, interval, isThere }) => {
    isCollected = true;
    expect(backfill.isThere({ ...wanting({ format }), interval })).toBe(isThere);
    isCollected = false;
    expect(backfill.isThere({ ...wanting({ format }), interval })).toBe(true);
  });

  test('that cannot be read is an error, and what is published comes all the same', async () => {
    await record(10);
    await storage.dataSource.query('ALTER TABLE metricast_metric_point RENAME TO elsewhere');
    const reader = subscribe();
    await vi.waitFor(() => expect(reader.transport.messages).toEqual([{ error: 'internal', id: 7 }]));
    await storage.dataSource.query('ALTER TABLE elsewhere RENAME TO metricast_metric_point');
    await record(1, 11);
    await endOfTurn();

    expect(valuesIn(reader)).toEqual([11]);
  });
});
