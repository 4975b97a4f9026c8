import { expect, it } from 'vitest';
import { NO_FILTER, type TagFilter, type TenantId } from '../../../src/protocol/index.js';
import type { MetricInput } from '../../../src/recording/index.js';
import { channelName, filterOf } from '../../support/publications.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const ORDERS = channelName('orders.metrics');
const REPORTS = channelName('reports.events');
/** An instant that is long past, in milliseconds; timestamps are given in seconds. */
const T = 1_700_000_000_000;

/** What is newest in a channel, found without reading what is older. */
export function latestContract(storage: () => Storage): void {
  const record = (tenant: TenantId, ...metrics: Partial<MetricInput>[]) =>
    storage().metrics.record(
      tenant,
      metrics.map((metric) => ({
        channel: ORDERS,
        name: 'n',
        type: 'gauge',
        value: 1,
        timestamp: T / 1000,
        ...metric,
      })),
    );
  const publish = (tenant: TenantId, no: number, seconds: number, tags: Record<string, string> = {}) =>
    storage().hostEvents.publish(tenant, REPORTS, { type: 'ready', data: { no }, tags, timestamp: T / 1000 + seconds });
  const sample = (tenant: TenantId, filter: TagFilter = NO_FILTER) => storage().latest.sample(tenant, ORDERS, filter);
  const event = (tenant: TenantId, filter: TagFilter = NO_FILTER) => storage().latest.event(tenant, REPORTS, filter);

  it('the newest sample comes with all that it was recorded with', async () => {
    const tenant = newTenant();
    await record(tenant, { name: 'a', value: 1 });
    await record(tenant, {
      name: 'b',
      type: 'histogram',
      value: -2.5e-7,
      timestamp: T / 1000 + 1.5,
      tags: { shop: 'n"orth', env: 'x' },
    });

    expect(await sample(tenant)).toEqual({
      kind: 'sample',
      name: 'b',
      type: 'histogram',
      value: -2.5e-7,
      timestamp: T + 1500,
      tags: { env: 'x', shop: 'n"orth' },
    });
  });

  it('is the one with the latest timestamp, however late it was recorded', async () => {
    const tenant = newTenant();
    await record(tenant, { value: 1, timestamp: T / 1000 + 9 });
    await record(tenant, { value: 2, timestamp: T / 1000 + 5 }, { name: 'm', value: 3, timestamp: T / 1000 + 8 });

    expect(await sample(tenant)).toMatchObject({ value: 1, timestamp: T + 9000 });
  });

  it('of several at one instant it is the one recorded last, in one series and over several', async () => {
    const tenant = newTenant();
    await record(tenant, { name: 'a', value: 1 }, { name: 'b', value: 2 }, { name: 'b', value: 3 });
    expect(await sample(tenant)).toMatchObject({ name: 'b', value: 3 });

    await record(tenant, { name: 'a', value: 4 });
    expect(await sample(tenant)).toMatchObject({ name: 'a', value: 4 });
  });

  it('is none of another channel, and none of another tenant', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    await record(tenant, { channel: 'other.metrics' });
    await record(other, {});
    await publish(other, 1, 0);
    await storage().hostEvents.publish(tenant, 'other.events', { type: 'ready', data: {} });

    expect(await sample(tenant)).toBeNull();
    expect(await event(tenant)).toBeNull();
  });

  it.each<[filter: Record<string, string | string[]>, value: number | undefined]>([
    [{ shop: 'north' }, 1],
    [{ shop: ['south', 'north'] }, 2],
    [{ shop: 'north', env: 'test' }, undefined],
    [{ shop: 'south', env: 'test' }, 2],
    [{ shop: 'NORTH' }, undefined],
    [{ shop: 'nort' }, undefined],
    [{ hop: 'north' }, undefined],
    [{ env: 'a","shop":"west' }, 3],
    [{ shop: 'west' }, undefined],
    [{ quoted: '"shop":"east"' }, 4],
    [{ shop: 'east' }, undefined],
    [{ shop: '100%' }, 5],
    [{ shop: '1__%' }, undefined],
  ])('of those whose tags match %j', async (filter, value) => {
    const tenant = newTenant();
    const tagged: Record<string, string>[] = [
      { shop: 'north' },
      { shop: 'south', env: 'test' },
      { env: 'a","shop":"west' },
      { quoted: '"shop":"east"' },
      { shop: '100%' },
      {},
    ];
    await record(tenant, ...tagged.map((tags, at) => ({ tags, value: at + 1, timestamp: T / 1000 + at })));
    for (const [at, tags] of tagged.entries()) await publish(tenant, at + 1, at, tags);

    expect((await sample(tenant, filterOf(filter)))?.value).toBe(value);
    expect((await event(tenant, filterOf(filter)))?.data['no']).toBe(value);
    const times = await storage().latest.times(tenant, [ORDERS, REPORTS], filterOf(filter));
    const at = value && T + (value - 1) * 1000;
    expect([times.get(ORDERS), times.get(REPORTS)]).toEqual([at, at]);
  });

  it('a filter that nothing can meet is met by nothing', async () => {
    const tenant = newTenant();
    await record(tenant, { tags: { shop: 'north' } });
    await publish(tenant, 1, 0, { shop: 'north' });

    expect(await sample(tenant, { shop: [] })).toBeNull();
    expect(await event(tenant, { shop: [] })).toBeNull();
  });

  it('the newest event comes with all that it was published with', async () => {
    const tenant = newTenant();
    await publish(tenant, 1, 5, { shop: 'north' });
    await publish(tenant, 2, 4);
    await publish(tenant, 3, 5, { env: 'x' });

    expect(await event(tenant)).toEqual({
      kind: 'event',
      type: 'ready',
      timestamp: T + 5000,
      tags: { env: 'x' },
      data: { no: 3 },
    });
  });

  it('an event that matches is looked for among the newest ten thousand', async () => {
    const [tenant, filter] = [newTenant(), filterOf({ shop: 'north' })];
    await publish(tenant, 1, 0, { shop: 'north' });
    await storage().write(function* () {
      yield {
        into: 'metricast_event',
        columns: ['tenant_id', 'channel', 'type', 'timestamp', 'tags', 'data'],
        rows: Array.from({ length: 9999 }, (_, at) => [tenant, REPORTS, 'ready', T + at + 1, '', '{}']),
      };
    });
    expect(await event(tenant, filter)).toMatchObject({ data: { no: 1 } });
    expect((await storage().latest.times(tenant, [REPORTS], filter)).get(REPORTS)).toBe(T);

    await publish(tenant, 2, 60);
    expect(await event(tenant, filter)).toBeNull();
    expect((await storage().latest.times(tenant, [REPORTS], filter)).size).toBe(0);
    expect(await event(tenant)).toMatchObject({ data: { no: 2 } });
  });

  it('a series whose points are gone is passed over', async () => {
    const tenant = newTenant();
    await record(tenant, { name: 'old', value: 1 });
    await storage().rows(
      `DELETE FROM metricast_metric_point WHERE series_id IN
         (SELECT series_id FROM metricast_metric_series WHERE tenant_id = $1)`,
      [tenant],
    );
    expect(await sample(tenant)).toBeNull();
    expect((await storage().latest.times(tenant, [ORDERS], NO_FILTER)).size).toBe(0);

    await record(tenant, { name: 'new', value: 2 });
    expect(await sample(tenant)).toMatchObject({ name: 'new' });
  });

  it('the newest sample of each series that matches comes with where it is stored, the oldest of them first', async () => {
    const tenant = newTenant();
    const at = (name: string, value: number, seconds: number, fields: Partial<MetricInput> = {}) =>
      record(tenant, { name, value, timestamp: T / 1000 + seconds, ...fields });
    await at('a', 1, 9);
    await at('a', 2, 5);
    await at('b', 10, 7, { type: 'counter' });
    await at('b', 14, 7, { type: 'counter' });
    await at('c', 4, 1, { tags: { shop: 'north' } });
    await at('d', 5, 20, { channel: 'other.metrics' });
    const samples = (limit: number, filter = NO_FILTER) => storage().latest.samples(tenant, ORDERS, filter, limit);
    const valuesOf = async (...asked: Parameters<typeof samples>) =>
      (await samples(...asked)).map(({ message }) => message.value);

    expect(await valuesOf(10)).toEqual([4, 14, 1]);
    expect(await valuesOf(2)).toEqual([14, 1]);
    expect(await valuesOf(10, filterOf({ shop: 'north' }))).toEqual([4]);
    const [, counter] = await samples(10);
    const [series] = await storage().channelSeries.of(tenant, ORDERS, NO_FILTER, 'b');
    const [row] = await storage().rows('SELECT MAX(point_id) AS id FROM metricast_metric_point WHERE series_id = $1', [
      series!.id,
    ]);
    expect(counter).toEqual({
      message: { kind: 'sample', name: 'b', type: 'counter', value: 14, increase: 4, timestamp: T + 7000, tags: {} },
      stored: { row: Number(row!['id']), series: series!.id },
    });
  });

  it('the times of many channels are found at once', async () => {
    const tenant = newTenant();
    await record(tenant, { timestamp: T / 1000 + 2 }, { channel: 'b.metrics' }, { name: 'm', timestamp: T / 1000 + 7 });
    await publish(tenant, 1, 3);
    await storage().hostEvents.publish(tenant, REPORTS, { type: 'other', data: {}, timestamp: T / 1000 + 4 });
    const names = [ORDERS, channelName('b.metrics'), REPORTS, channelName('none.metrics'), channelName('none.events')];

    const times = await storage().latest.times(tenant, names, NO_FILTER);

    expect(Object.fromEntries(times)).toEqual({
      [ORDERS]: T + 7000,
      'b.metrics': T,
      [REPORTS]: T + 4000,
    });
    expect((await storage().latest.times(newTenant(), names, NO_FILTER)).size).toBe(0);
  });

  it('the channels of a tenant are listed, those that another instance has seen first as well', async () => {
    const tenant = newTenant();
    const directory = storage().newDirectory();
    expect(await directory.list(tenant)).toEqual([]);
    await record(tenant, {}, { name: 'm' }, { channel: 'b.metrics' });
    await publish(tenant, 1, 0);
    await record(newTenant(), { channel: 'foreign.metrics' });

    expect([...(await directory.list(tenant))].sort()).toEqual(['b.metrics', ORDERS, REPORTS]);
  });

  it('every series is one step into an index, with ten thousand of them', async () => {
    const tenant = newTenant();
    const others = Array.from({ length: 5000 }, (_, at) => ({ channel: `c${at % 500}.metrics`, name: `n${at}` }));
    for (const other of [newTenant(), newTenant()]) await record(other, ...others);
    const channels = Array.from({ length: 10 }, (_, at) => channelName(`c${at}.metrics`));
    await record(
      tenant,
      ...Array.from({ length: 10_000 }, (_, at) => ({
        channel: at < 9000 ? ORDERS : channels[at % 10]!,
        name: `n${at}`,
        tags: { shop: `s${at % 100}` },
        timestamp: T / 1000 + (at % 5000),
        value: at,
      })),
    );
    for (let no = 0; no < 20; no++) await publish(tenant, no, no, { shop: `s${no}` });
    await storage().rows('ANALYZE');

    expect(await sample(tenant)).toMatchObject({ name: 'n4999', value: 4999 });
    expect(await sample(tenant, filterOf({ shop: 's7' }))).toMatchObject({ name: 'n4907' });
    for (const filter of [NO_FILTER, filterOf({ shop: 's7' })]) {
      const plans = await plansOf(storage(), async () => {
        await sample(tenant, filter);
        await event(tenant, filter);
        await storage().latest.times(tenant, [ORDERS, REPORTS, ...channels], filter);
        await storage().newDirectory().list(tenant);
      });
      expect(plans).toHaveLength(8);
      expectIndexed(plans);
      const ofPoints = plans.filter((plan) => plan.includes('series.series_id'));
      expect(ofPoints).toHaveLength(2);
      for (const plan of ofPoints) expect(plan).toContain('metricast_metric_point_series_time');
      for (const plan of plans.filter((one) => one.includes('ORDER BY event.timestamp DESC LIMIT'))) {
        expect(plan).toContain('metricast_event_time');
      }
    }
  });
}
