import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
import type { ChannelSeries, RollupReader } from '../../../src/store/index.js';
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
    at: (interval: Interval, start: number, ids: readonly number[]) => {
      this.reads++;
      if (this.error) return Promise.reject(this.error);
      const aggregates = new Map<number, Aggregate>();
      for (const { series, sample } of this.samples) {
        if (!ids.includes(series) || windowStart(sample.timestamp, INTERVALS[interval]) !== start) continue;
        if (!aggregates.has(series)) aggregates.set(series, new Aggregate(sample.type));
        aggregates.get(series)!.add(sample);
      }
      return Promise.resolve(aggregates);
    },
  } as unknown as RollupReader;
}

let hub: Hub;
let broker: MemoryBroker;
let clock: SetClock;
let recorded: Recorded;
let windows: Windows;
const tenants = tenantsWith();

beforeEach(() => {
  Logger.overrideLogger(false);
  [hub, broker, clock, recorded] = [new Hub(), new MemoryBroker(), new SetClock(BEGIN), new Recorded()];
  const collectors = { has: (channel: ChannelName) => channel === MACHINE } as Collectors;
  const messages = new WindowMessages(recorded.series, recorded.rollups);
  windows = new Windows(hub, broker, collectors, tenants, messages, clock);
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
    // They are closed behind this turn.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    set(tenants, ACME, {});
    await record(1, 6);
    clock.pass(1000);

    expect(await first(1, client)).toEqual([['sample', '1', 6]]);
    expect(recorded.reads).toBe(1);
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
