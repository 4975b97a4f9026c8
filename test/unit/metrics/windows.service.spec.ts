import { setImmediate } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryBroker } from '../../../src/broker/index.js';
import { Hub } from '../../../src/hub/index.js';
import type { Collectors } from '../../../src/metrics/index.js';
import { WindowMessages, Windows } from '../../../src/metrics/index.js';
import {
  Aggregate,
  type ChannelName,
  INTERVALS,
  type Interval,
  type Sample,
  type TagFilter,
  NO_FILTER,
  increaseOf,
  parseTags,
  type Tags,
  type TenantId,
  windowStart,
} from '../../../src/protocol/index.js';
import {
  type ChannelSeries,
  type HistoryReader,
  type HistorySpan,
  type RollupReader,
  WriteQueue,
} from '../../../src/store/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { type Connected, connect, wanting } from '../../support/connected.js';
import { ACME, tenantId } from '../../support/principals.js';
import { ORDERS, channelName, filterOf, sampleWith, stateFor } from '../../support/publications.js';
import { SetClock } from '../../support/set-clock.js';
import { set, tenantsWith } from '../../support/settings.js';

const NOON = Date.UTC(2026, 10, 21, 12);
/** The window before noon is closed by then. */
const BEGIN = NOON + 250;
const MACHINE = channelName('machine.metrics');

/** What is recorded, and how often it was read. */
class Recorded {
  readonly samples: { series: number; sample: Sample }[] = [];
  reads = 0;
  /** Reads that do not end before this does. */
  held: Promise<void> | undefined;
  lists = 0;
  error: Error | undefined;

  readonly series = {
    of: (tenant: TenantId) => {
      this.lists++;
      return Promise.resolve(
        (tenant === ACME ? this.samples : []).map(({ series, sample }) => ({ ...sample, id: series })),
      );
    },
  } as unknown as ChannelSeries;

  readonly rollups = {
    at: async (interval: Interval, start: number, ids: readonly number[]) => {
      this.reads++;
      await this.held;
      if (this.error) throw this.error;
      const aggregates = new Map<number, Aggregate>();
      for (const { series, sample } of this.samples) {
        if (!ids.includes(series) || windowStart(sample.timestamp, INTERVALS[interval]) !== start) continue;
        if (!aggregates.has(series)) aggregates.set(series, new Aggregate(sample.type));
        aggregates.get(series)!.add(sample);
      }
      return aggregates;
    },
  } as unknown as RollupReader;

  readonly history = {
    open: ({ tenant, start, end }: HistorySpan) => {
      const rows = this.samples
        .filter(({ sample: { timestamp } }) => tenant === ACME && timestamp >= start && timestamp < end)
        .map(({ series, sample }) => ({ message: sample, stored: { row: 0, series } }));
      const slices = (async function* () {
        await setImmediate();
        yield { rows };
      })();
      return Promise.resolve({ slices });
    },
  } as unknown as HistoryReader;
}

/** Commits once it is let to. */
class Commits {
  readonly #waiting: (() => void)[] = [];
  isHeld = false;
  readonly queue = new WriteQueue({
    rowsAtOnce: 1000,
    commit: async (writes) => {
      if (this.isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return writes.map((write) => write().next().value);
    },
  });

  release(): void {
    this.isHeld = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

let hub: Hub;
let broker: MemoryBroker;
let clock: SetClock;
let recorded: Recorded;
let commits: Commits;
let windows: Windows;
const tenants = tenantsWith();

beforeEach(() => {
  Logger.overrideLogger(false);
  [hub, broker, clock, recorded] = [new Hub(), new MemoryBroker(), new SetClock(BEGIN), new Recorded()];
  commits = new Commits();
  const collectors = { has: (channel: ChannelName) => channel === MACHINE } as Collectors;
  const messages = new WindowMessages(recorded.series, recorded.rollups);
  windows = new Windows(hub, broker, collectors, recorded.history, commits.queue, tenants, messages, clock);
  windows.onModuleInit();
  broker.onPublication((publication) => {
    if (tenants.isPushed(publication.tenant, publication.channel)) hub.deliver(publication);
  });
});
afterEach(() => {
  windows.onModuleDestroy();
  set(tenants, ACME, {});
});

/** Somebody who wants windows of `orders.metrics`. */
function watch(interval: Interval, filter: TagFilter = NO_FILTER, channel = ORDERS): Connected {
  const connected = connect(hub);
  hub.subscribe(connected.connection, { ...wanting({ channel, filter }), interval });
  return connected;
}

/** Records a value of a series now, and publishes it. */
async function record(series: number, value: number, particulars: Partial<Sample> = {}): Promise<void> {
  const before = recorded.samples.findLast((one) => one.series === series)?.sample.value;
  const increase = particulars.type === 'counter' ? increaseOf(value, before) : undefined;
  const tags = parseTags({ series: String(series) }) as Tags;
  const message = sampleWith({ value, timestamp: clock.now(), increase, tags, ...particulars });
  recorded.samples.push({ series, sample: message });
  await broker.publish([{ tenant: ACME, channel: ORDERS, message, stored: { row: recorded.samples.length, series } }]);
}

/** Collects a state of `machine.metrics` now. */
async function collect(value: number, filter: TagFilter = NO_FILTER): Promise<void> {
  const timestamp = clock.now();
  const points = () => [sampleWith({ name: 'load', value, timestamp })];
  await broker.publishHere([{ tenant: ACME, channel: MACHINE, message: stateFor(filter, { timestamp, points }) }]);
}

/** Records a value as {@link record} does, behind all that is to be written before it. */
async function recordBehind(...[series, value, particulars]: Parameters<typeof record>): Promise<void> {
  const timestamp = clock.now();
  await commits.queue.write(1, function* () {
    yield* [];
  });
  await record(series, value, { timestamp, ...particulars });
}

/** The next lines, once so many have come in all; as series or name, and value. */
async function first(count: number, { transport }: Connected): Promise<unknown[]> {
  await transport.received(count);
  return transport.messages.map(({ kind, tags, data }) => [kind, (tags as Tags | undefined)?.['series'], data]);
}

describe('windows of what is recorded', () => {
  it('come when they close, one for each series, in place of the values, and share a number', async () => {
    const client = watch('1s');
    await record(1, 4);
    await record(2, 10);
    await record(1, 6);
    clock.pass(999);
    expect(windows.openFrom(ACME, ORDERS, '1s')).toBe(NOON);
    clock.pass(1);

    expect(await first(2, client)).toEqual([
      ['sample', '1', 5],
      ['sample', '2', 10],
    ]);
    expect(windows.openFrom(ACME, ORDERS, '1s')).toBe(NOON + 1000);
    expect(client.transport.messages).toMatchObject([
      { count: 2, sum: 10, min: 4, max: 6, offset: 4 },
      { count: 1, offset: 4 },
    ]);
  });

  it('are read once, however many want them', async () => {
    const clients = Array.from({ length: 20 }, () => watch('1s'));
    clients.push(watch('1s', filterOf({ series: '1' })));
    clock.pass(1000);
    await record(1, 1);
    clock.pass(1000);
    await Promise.all(clients.map((client) => client.transport.received(1)));

    // The first window, of which nobody knew what was in it, and the second one.
    expect([recorded.lists, recorded.reads]).toEqual([1, 2]);
  });

  it('are read for each of the intervals that are wanted, and for no other', async () => {
    const [seconds, minutes] = [watch('1s'), watch('1m')];
    expect(clock.timers).toBe(2);
    for (let second = 0; second < 60; second++) {
      await record(1, second);
      clock.pass(1000);
    }

    expect((await first(60, seconds)).slice(0, 60)).toEqual(
      Array.from({ length: 60 }, (_, second) => ['sample', '1', second]),
    );
    expect(await first(1, minutes)).toEqual([['sample', '1', 29.5]]);
  });

  it('hold what was recorded in the first of them before anybody wanted it', async () => {
    await record(1, 8);
    clock.pass(500);
    const client = watch('1s');
    await record(1, 2);
    clock.pass(500);

    expect(await first(1, client)).toEqual([['sample', '1', 5]]);
  });

  it('are matched by the tags of their series', async () => {
    const client = watch('1s', filterOf({ series: '2' }));
    await record(1, 4);
    await record(2, 6);
    clock.pass(1000);

    expect(await first(1, client)).toEqual([['sample', '2', 6]]);
  });

  it('are not sent where they are empty', async () => {
    const client = watch('1s');
    await record(1, 4);
    clock.pass(10_000);
    await record(1, 5);
    clock.pass(1000);

    expect(await first(2, client)).toEqual([
      ['sample', '1', 4],
      ['sample', '1', 5],
    ]);
  });

  it('are not sent again where something comes late', async () => {
    const client = watch('1s');
    await record(1, 4);
    clock.pass(1000);
    await first(1, client);
    await record(1, 100, { timestamp: NOON + 10 });
    await record(1, 7);
    clock.pass(1000);

    expect(await first(2, client)).toEqual([
      ['sample', '1', 4],
      ['sample', '1', 7],
    ]);
  });

  it('come all and in order after the process was held up', async () => {
    const client = watch('1s');
    for (let second = 0; second < 5; second++) await record(1, second, { timestamp: NOON + second * 1000 });
    clock.stall(7300);

    expect(await first(5, client)).toEqual([0, 1, 2, 3, 4].map((value) => ['sample', '1', value]));
  });

  it('come within a second where the clock is set on, and not twice where it is set back', async () => {
    const client = watch('1h');
    await record(1, 1);
    clock.pass(5000);
    clock.set(NOON + 3_600_300);
    clock.pass(1000);
    expect(await first(1, client)).toEqual([['sample', '1', 1]]);
    clock.set(NOON + 3_599_000);
    await record(1, 2);
    clock.pass(2000);
    await record(1, 3);
    clock.pass(3_600_000);

    expect(await first(2, client)).toEqual([
      ['sample', '1', 1],
      ['sample', '1', 3],
    ]);
  });

  it('are the dialect’s error where they cannot be read, and go on', async () => {
    const [client, plain] = [watch('1s', filterOf({ series: '1' })), watch('5s')];
    await record(1, 4);
    recorded.error = new Error('the database is gone');
    clock.pass(1000);
    expect(await first(1, client)).toEqual([['failure', undefined, null]]);
    recorded.error = undefined;
    await record(1, 6);
    clock.pass(1000);

    expect(await first(2, client)).toEqual([
      ['failure', undefined, null],
      ['sample', '1', 6],
    ]);
    clock.pass(3000);
    expect(await first(1, plain)).toEqual([['sample', '1', 5]]);
  });

  it('are neither read nor sent while nothing is pushed', async () => {
    const client = watch('1s');
    set(tenants, ACME, { metricsStreaming: false });
    await record(1, 4);
    clock.pass(1000);
    // It moves on when they are closed.
    await vi.waitFor(() => expect(windows.openFrom(ACME, ORDERS, '1s')).toBe(NOON + 1000));
    set(tenants, ACME, {});
    await record(1, 6);
    clock.pass(1000);

    expect(await first(1, client)).toEqual([['sample', '1', 6]]);
    expect(recorded.reads).toBe(1);
  });

  it('wait for what is still being written when they end', async () => {
    const client = watch('1s');
    await record(1, 8);
    commits.isHeld = true;
    const recording = [recordBehind(1, 4), recordBehind(1, 6)];
    clock.pass(1700);
    recording.push(recordBehind(1, 100));
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect(recorded.reads).toBe(0);
    commits.release();
    await Promise.all(recording);

    expect(await first(1, client)).toEqual([['sample', '1', 6]]);
    clock.pass(300);
    expect(await first(2, client)).toEqual([
      ['sample', '1', 6],
      ['sample', '1', 100],
    ]);
  });

  it.each(['1s', '1m'] as const)(
    'of %s do not wait for longer than they are, nor than five seconds',
    async (interval) => {
      const client = watch(interval);
      await record(1, 4);
      commits.isHeld = true;
      void recordBehind(1, 6);
      const wait = Math.min(INTERVALS[interval], 5000);
      clock.pass(INTERVALS[interval]);
      clock.pass(wait - 1);
      for (let turn = 0; turn < 10; turn++) await setImmediate();
      expect(recorded.reads).toBe(0);
      clock.pass(1);

      expect(await first(1, client)).toEqual([['sample', '1', 4]]);
      commits.release();
    },
  );

  it('come for a series whose first value is late, once', async () => {
    const client = watch('1s');
    await record(1, 4);
    clock.pass(1000);
    await first(1, client);
    for (const value of [1, 2, 6]) await record(2, value, { timestamp: NOON + 300 });
    clock.pass(250);
    expect(await first(2, client)).toEqual([
      ['sample', '1', 4],
      ['sample', '2', 3],
    ]);
    await record(2, 100, { timestamp: NOON + 300 });
    await record(3, 7);
    clock.pass(750);

    expect((await first(3, client)).slice(2)).toEqual([['sample', '3', 7]]);
  });

  it('are sent before those are who subscribe with what came late', async () => {
    const client = watch('1s');
    clock.pass(1000);
    await vi.waitFor(() => expect(windows.openFrom(ACME, ORDERS, '1s')).toBe(NOON + 1000));
    await record(2, 3, { timestamp: NOON + 300 });
    await windows.caughtUp(ACME, ORDERS, '1s');
    await setImmediate();

    expect(client.transport.messages).toMatchObject([{ kind: 'sample', data: 3 }]);
  });

  it('are waited for by who subscribes while what came late is being read', async () => {
    let go!: () => void;
    const client = watch('1s');
    clock.pass(1000);
    await vi.waitFor(() => expect(windows.openFrom(ACME, ORDERS, '1s')).toBe(NOON + 1000));
    await record(2, 3, { timestamp: NOON + 300 });
    const { reads } = recorded;
    recorded.held = new Promise((resolve) => (go = resolve));
    clock.pass(250);
    await vi.waitFor(() => expect(recorded.reads).toBe(reads + 1));
    const order: string[] = [];
    const caughtUp = windows.caughtUp(ACME, ORDERS, '1s').then(() => order.push('caught up'));
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    order.push('read');
    go();
    await caughtUp;
    await setImmediate();

    expect(order).toEqual(['read', 'caught up']);
    expect(client.transport.messages).toMatchObject([{ kind: 'sample', data: 3 }]);
  });

  it('are yet to be sent until they are read', async () => {
    let go!: () => void;
    recorded.held = new Promise((resolve) => (go = resolve));
    const client = watch('1s');
    await record(1, 4);
    clock.pass(1000);
    await vi.waitFor(() => expect(recorded.reads).toBe(1));
    expect(windows.openFrom(ACME, ORDERS, '1s')).toBe(NOON);
    go();
    await first(1, client);

    expect(windows.openFrom(ACME, ORDERS, '1s')).toBe(NOON + 1000);
  });

  it('have in them what was recorded ahead of the clock before anybody was there', async () => {
    for (let second = 0; second < 4; second++) await record(1, second, { timestamp: NOON + second * 1000 + 500 });
    const client = watch('1s');
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    for (let second = 0; second < 4; second++) {
      clock.pass(1000);
      await first(second + 1, client);
    }

    expect(await first(4, client)).toEqual([0, 1, 2, 3].map((value) => ['sample', '1', value]));
  });

  it('are read eight at once, however many there are and however long they take', async () => {
    let go!: () => void;
    recorded.held = new Promise((resolve) => (go = resolve));
    const clients = Array.from({ length: 30 }, (_, index) => {
      const channel = channelName(`orders-${index}.metrics`);
      return watch('1s', NO_FILTER, channel);
    });
    await record(1, 4);
    for (let second = 0; second < 5; second++) {
      clock.pass(1000);
      for (let turn = 0; turn < 10; turn++) await setImmediate();
    }
    expect(recorded.reads).toBe(8);
    go();
    await Promise.all(clients.map((client) => client.transport.received(1)));
  });

  it('that fail when nobody wants them any more are not told, so that the next time is', async () => {
    const log = new CapturedLog();
    Logger.overrideLogger(log);
    recorded.error = new Error('the database is gone');
    for (let times = 0; times < 2; times++) {
      let fail!: () => void;
      recorded.held = new Promise((resolve) => (fail = resolve));
      const client = watch('1s');
      const reads = recorded.reads;
      await record(1, 4);
      clock.pass(1000);
      await vi.waitFor(() => expect(recorded.reads).toBe(reads + 1));
      // Nobody is there any more when it fails.
      hub.close(client.connection);
      fail();
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    }
    recorded.held = undefined;
    const client = watch('1s');
    await record(1, 4);
    clock.pass(1000);
    await first(1, client);

    expect(log.text.match(/could not be aggregated/g)).toHaveLength(1);
  });

  it('are no other tenant’s', async () => {
    const other = connect(hub, { principal: { tenant: tenantId('other') } });
    hub.subscribe(other.connection, { ...wanting(), interval: '1s' });
    const client = watch('1s');
    await record(1, 4);
    clock.pass(1000);
    await first(1, client);

    expect(other.transport.messages).toEqual([]);
  });

  it('end with the last who wants them, and leave no timer', async () => {
    const [one, other] = [watch('1s'), watch('1s', filterOf({ series: '1' }))];
    hub.close(one.connection);
    expect([clock.timers, windows.openFrom(ACME, ORDERS, '1s')]).toEqual([1, NOON]);
    hub.close(other.connection);
    expect([clock.timers, windows.openFrom(ACME, ORDERS, '1s')]).toEqual([0, undefined]);
    await record(1, 4);
    clock.pass(5000);
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    expect(recorded.reads).toBe(0);
  });
});

describe('windows of what is collected', () => {
  it('come when they close, view by view, in place of the states', async () => {
    const all = watch('5s', NO_FILTER, MACHINE);
    const north = watch('5s', filterOf({ shop: 'north' }), MACHINE);
    for (const value of [1, 2, 6]) {
      await collect(value);
      await collect(10 * value, filterOf({ shop: 'north' }));
      clock.pass(1000);
    }
    clock.pass(2250);

    expect(await first(1, all)).toEqual([['sample', undefined, 3]]);
    expect(await first(1, north)).toEqual([['sample', undefined, 30]]);
    expect(recorded.reads).toBe(0);
  });

  it('wait for no database', async () => {
    let go!: () => void;
    recorded.held = new Promise((resolve) => (go = resolve));
    for (let index = 0; index < 10; index++) watch('1s', NO_FILTER, channelName(`orders-${index}.metrics`));
    const client = watch('1s', NO_FILTER, MACHINE);
    commits.isHeld = true;
    void recordBehind(1, 4);
    await collect(7);
    clock.pass(1000);

    expect(await first(1, client)).toEqual([['sample', undefined, 7]]);
    commits.release();
    go();
  });

  it('are made of the views alone that somebody wants in windows', async () => {
    const client = watch('1s', filterOf({ shop: 'north' }), MACHINE);
    await collect(1);
    await collect(2, filterOf({ shop: 'north' }));
    clock.pass(1000);

    expect(await first(1, client)).toEqual([['sample', undefined, 2]]);
    // One number for the two states, one for the window.
    expect(broker.position(ACME, MACHINE).offset).toBe(3);
  });

  it('tell those who want them, and nobody else, where a state has no points to show', async () => {
    const [client, plain] = [watch('1s', NO_FILTER, MACHINE), connect(hub)];
    hub.subscribe(plain.connection, wanting({ channel: MACHINE }));
    const points = () => {
      throw new Error('no points');
    };
    const message = stateFor(NO_FILTER, { timestamp: clock.now(), points });
    await broker.publishHere([{ tenant: ACME, channel: MACHINE, message }]);
    clock.pass(1000);

    expect(await first(1, client)).toEqual([['failure', undefined, null]]);
    expect((await first(1, plain)).map((line) => (line as unknown[])[0])).toEqual(['state']);
  });
});
