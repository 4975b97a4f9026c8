import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { type Collectors, WindowMessages, Windows } from '../../../src/metrics/index.js';
import { INTERVAL_NAMES, type Sample, type SampleType, type TenantId } from '../../../src/protocol/index.js';
import { connect, wanting } from '../../support/connected.js';
import { ORDERS } from '../../support/publications.js';
import { SetClock } from '../../support/set-clock.js';
import { type Storage, newTenant } from '../../support/storage.js';

/** A whole hour. */
const NOON = Date.UTC(2026, 10, 20, 12);
const LATEST = 200;

/** What is sent of a window is what is read of it afterwards. */
export function windowsContract(storage: () => Storage): void {
  let hub: Hub;
  let clock: SetClock;
  let windows: Windows;
  beforeEach(() => {
    // What was recorded long ago is not shown in the shortest windows.
    vi.useFakeTimers({ toFake: ['Date'], now: NOON });
    const { broker, channelSeries, history, queue, rollups, tenants } = storage();
    [hub, clock] = [new Hub(), new SetClock(NOON)];
    const collectors = { has: () => false } as unknown as Collectors;
    const messages = new WindowMessages(channelSeries, rollups);
    windows = new Windows(hub, broker, collectors, history, queue, tenants, messages, clock);
    windows.onModuleInit();
  });
  afterEach(() => {
    windows.onModuleDestroy();
    vi.useRealTimers();
  });

  /** The windows of a tenant that are published from now on. */
  const sentTo = (tenant: TenantId): Sample[] => {
    const sent: Sample[] = [];
    storage().broker.onPublication(({ tenant: whose, message }) => {
      if (whose === tenant && message.kind === 'sample' && message.window) sent.push(message);
    });
    return sent;
  };

  it('whatever is recorded, and from whichever moment on somebody watches', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(10), async (steps, watchedFrom) => {
      const tenant = newTenant();
      const sent = sentTo(tenant);
      clock.set(NOON);
      const { connection } = connect(hub, { principal: { tenant } });
      let openFrom = Infinity;
      for (const [index, { pass, late, series, value }] of steps.entries()) {
        if (index === watchedFrom) {
          hub.subscribe(connection, { ...wanting(), interval: '1s' });
          openFrom = windows.openFrom(tenant, ORDERS, '1s')!;
        }
        const timestamp = (clock.now() - late) / 1000;
        await storage().metrics.record(tenant, { channel: ORDERS, ...series, value, timestamp });
        clock.pass(pass);
      }
      clock.pass(5000);

      const { messages } = await storage().metricsHistory.page(tenant, {
        ...{ channel: ORDERS, aggregation_interval: '1s', limit: 10_000 },
        ...{ start_time: (NOON - 1000) / 1000, end_time: clock.now() / 1000 },
      });
      const expected = messages.filter(({ timestamp }) => timestamp >= openFrom);
      await vi.waitFor(() => expect(inOrder(sent)).toEqual(inOrder(expected)), { timeout: 5000 });
      const times = sent.map(({ timestamp }) => timestamp);
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      hub.close(connection);
    });
    await fc.assert(property, { numRuns: 25 });
  });

  it('also where it is committed long after the window has ended', async () => {
    const tenant = newTenant();
    const sent = sentTo(tenant);
    clock.set(NOON + 300);
    const { connection } = connect(hub, { principal: { tenant } });
    hub.subscribe(connection, { ...wanting(), interval: '1s' });
    const release = storage().transactor.hold();
    const record = (name: string, value: number) =>
      storage().metrics.record(tenant, {
        ...{ channel: ORDERS, name, value },
        ...{ type: 'counter', timestamp: (NOON + 500) / 1000 },
      });
    const recording = [1, 2, 5].map((value) => record('a', value));
    clock.pass(1200);
    release();
    await Promise.all(recording);
    await vi.waitFor(() => expect(sent).toMatchObject([{ name: 'a', value: 5 }]));
    // Of one series, that was sent; of the other, nothing was.
    await record('a', 6);
    for (const value of [3, 8]) await record('b', value);
    clock.pass(250);
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    await record('b', 9);
    clock.pass(1000);
    await storage().queue.drain();

    expect(sent).toMatchObject([{ name: 'a' }, { name: 'b', value: 8, timestamp: NOON }]);
    hub.close(connection);
  });

  it('also where it was recorded ahead of the clock, and nobody was there', async () => {
    const tenant = newTenant();
    const sent = sentTo(tenant);
    clock.set(NOON);
    const { connection } = connect(hub, { principal: { tenant } });
    const values = Array.from({ length: 290 }, (_, second) => ({
      ...{ channel: ORDERS, name: 'level', type: 'gauge' as const, value: second },
      ...{ tags: { series: String(second % 7) }, timestamp: NOON / 1000 + second },
    }));
    await storage().metrics.record(tenant, values);
    hub.subscribe(connection, { ...wanting(), interval: '1s' });
    clock.pass(1250);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    // All are looked up behind the turns of the first one.
    await vi.waitFor(() => {
      clock.pass(10_000);
      expect(sent).toHaveLength(290);
    }, 20_000);

    expect(sent.map(({ value }) => value)).toEqual(values.map(({ value }) => value));
    hub.close(connection);
  });

  it.each(INTERVAL_NAMES)('of %s, of more series than one statement names', async (interval) => {
    const tenant = newTenant();
    const sent = sentTo(tenant);
    clock.pass(300);
    const { connection } = connect(hub, { principal: { tenant } });
    const values = Array.from({ length: 700 }, (_, index) => ({
      ...{ channel: ORDERS, name: 'level', type: 'gauge' as const, value: index, timestamp: NOON / 1000 },
      tags: { series: String(index) },
    }));
    await storage().metrics.record(tenant, values);
    hub.subscribe(connection, { ...wanting(), interval });
    clock.pass(3_600_000);

    await vi.waitFor(() => expect(sent).toHaveLength(700), { timeout: 5000 });
    for (const { value, tags } of sent) expect(tags['series']).toBe(String(value));
    hub.close(connection);
  });
}

const step = fc.record({
  /** Milliseconds until the next. */
  pass: fc.nat(900),
  /** By so much its timestamp is older than its arrival: not so much that its window is closed. */
  late: fc.nat(LATEST),
  series: fc.record({
    name: fc.constantFrom('a', 'b'),
    type: fc.constantFrom<SampleType[]>('gauge', 'counter', 'histogram'),
    tags: fc.constantFrom<Record<string, string>>({}, { shop: 'north' }),
  }),
  value: fc.nat(20),
});

function inOrder(samples: readonly unknown[]): unknown[] {
  return samples
    .map((sample) => JSON.parse(JSON.stringify(sample)) as unknown)
    .toSorted((one, other) => (keyOf(one as Sample) < keyOf(other as Sample) ? -1 : 1));
}

function keyOf({ timestamp, name, type, tags }: Sample): string {
  return JSON.stringify([timestamp, name, type, tags]);
}
