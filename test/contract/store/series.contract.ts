import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { TenantId } from '../../../src/protocol/index.js';
import type { MetricInput } from '../../../src/recording/index.js';
import { channelName, sampleWith } from '../../support/publications.js';
import { type Storage, newTenant } from '../../support/storage.js';

const ORDERS = channelName('orders.metrics');
const DAY = 86_400_000;

/** Points belong to series, and channels exist where there are series. */
export function seriesContract(storage: () => Storage): void {
  const record = (tenant: TenantId, ...metrics: Partial<MetricInput>[]) =>
    storage().metrics.record(
      tenant,
      metrics.map((metric) => ({ channel: ORDERS, name: 'n', type: 'gauge', value: 1, ...metric })),
    );
  /** The values of each of the tenant's series. */
  const seriesOf = async (tenant: TenantId) => {
    const rows = await storage().rows(
      `SELECT series.series_id, channel, name, tags, value
       FROM metricast_metric_series series JOIN metricast_metric_point point ON point.series_id = series.series_id
       WHERE tenant_id = $1 ORDER BY series.series_id, point_id`,
      [tenant],
    );
    const series = new Map<unknown, { name: unknown; channel: unknown; tags: unknown; values: unknown[] }>();
    for (const { series_id, name, channel, tags, value } of rows) {
      if (!series.has(series_id)) series.set(series_id, { name, channel, tags, values: [] });
      series.get(series_id)!.values.push(value);
    }
    return [...series.values()];
  };

  it('points of one series share its row, in whatever order their tags come', async () => {
    const tenant = newTenant();
    await record(
      tenant,
      { tags: { env: 'prod', host: 'a' }, value: 1 },
      { tags: { host: 'a', env: 'prod' }, value: 2 },
    );
    await record(tenant, { tags: { host: 'a', env: 'prod' }, value: 3 });

    expect(await seriesOf(tenant)).toEqual([
      { channel: ORDERS, name: 'n', tags: '{"env":"prod","host":"a"}', values: [1, 2, 3] },
    ]);
  });

  it('another channel, name or tag set is another series', async () => {
    const tenant = newTenant();
    const different: Partial<MetricInput>[] = [
      {},
      { channel: 'other.metrics' },
      { name: 'm' },
      { name: 'n {"a":"b"}' },
      { tags: { a: 'b' } },
      { tags: { a: 'c' } },
      { tags: { a: 'b', c: 'd' } },
      { tags: { a: 'b","c":"d' } },
    ];
    await record(tenant, ...different);
    await record(tenant, ...different);

    expect((await seriesOf(tenant)).map(({ values }) => values)).toEqual(different.map(() => [1, 1]));
  });

  it('tenants never share a series', async () => {
    const tenants = [newTenant(), newTenant()] as const;
    await record(tenants[0], { value: 1 });
    await record(tenants[1], { value: 2 });

    expect(await seriesOf(tenants[0])).toMatchObject([{ values: [1] }]);
    expect(await seriesOf(tenants[1])).toMatchObject([{ values: [2] }]);
  });

  it('takes the longest names and tags that are allowed', async () => {
    const tenant = newTenant();
    // Random, so that a database which packs long texts does not get it short.
    const long = (length: number) => Array.from({ length }, () => String.fromCharCode(randomLetter())).join('');
    const pairs = Array.from({ length: 32 }, (_, index) => [`t${index}`, long(110)]);
    const longest = { name: long(200), tags: Object.fromEntries(pairs) as Record<string, string> };
    expect(await record(tenant, longest, { value: 2 })).toEqual({ accepted: 2, rejected: [] });
    await record(tenant, longest);

    const values = (await seriesOf(tenant)).map((series) => series.values);
    expect(values).toHaveLength(2);
    expect(values).toEqual(expect.arrayContaining([[1, 1], [2]]));
  });

  it('creates a thousand series at once, and finds them again', async () => {
    const tenant = newTenant();
    const metrics = Array.from({ length: 1000 }, (_, index) => ({ name: `n${index}`, value: index }));
    await record(tenant, ...metrics);
    await record(tenant, ...metrics);

    const values = (await seriesOf(tenant)).map((series) => series.values);
    expect(values.sort(([one], [other]) => Number(one) - Number(other))).toEqual(
      metrics.map(({ value }) => [value, value]),
    );
  });

  it('a series whose write failed is not remembered', async () => {
    const tenant = newTenant();
    const { write, series } = storage();
    const metric = (name: string) => ({ channel: ORDERS, sample: sampleWith({ name, value: 1 }) });
    const failing = write(function* () {
      yield* series.append(tenant, [metric('lost')]);
      throw new Error('the rest of the write');
    });
    await expect(failing).rejects.toThrow();
    // Takes the number in the database that the lost one had.
    await record(tenant, { name: 'other' });
    await record(tenant, { name: 'lost' });

    expect(await seriesOf(tenant)).toMatchObject([
      { name: 'other', values: [1] },
      { name: 'lost', values: [1] },
    ]);
  });

  it('which series a value is of is put into words once', async () => {
    const [tenant, name] = [newTenant(), `n${randomUUID()}`];
    onTestFinished(() => void vi.restoreAllMocks());
    const stringify = vi.spyOn(JSON, 'stringify');
    await record(tenant, { name }, { name });

    expect(stringify.mock.calls.filter(([value]) => value === name)).toHaveLength(2);
  });

  it('a series that was created in a transaction which another write broke is not remembered either', async () => {
    const tenant = newTenant();
    const failing = storage().write(function* () {
      yield { sql: 'INSERT INTO nowhere VALUES ($1)', values: [1] };
    });
    const results = await Promise.allSettled([record(tenant, { name: 'a' }), failing, record(tenant, { name: 'b' })]);
    await record(tenant, { name: 'b', value: 2 }, { name: 'a', value: 2 });

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await seriesOf(tenant)).toMatchObject([
      { name: 'a', values: [1, 2] },
      { name: 'b', values: [1, 2] },
    ]);
  });

  it('a series is seen on each day on which it is written to, by an instance that knows it too', async () => {
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'] });
    const tenant = newTenant();
    const seenOn = async () => {
      const rows = await storage().rows(
        'SELECT seen_on FROM metricast_metric_series WHERE tenant_id = $1 ORDER BY name DESC',
        [tenant],
      );
      return rows.map(({ seen_on }) => seen_on);
    };
    const day = 20_500;
    vi.setSystemTime(day * DAY + DAY - 1);
    await record(tenant, { name: 'n' }, { name: 'm' });
    expect(await seenOn()).toEqual([day, day]);
    vi.setSystemTime((day + 1) * DAY);
    await record(tenant, { name: 'm' });
    expect(await seenOn()).toEqual([day, day + 1]);
    // Whoever is seen today is not looked up again.
    const { statements } = storage().transactor;
    const before = statements.length;
    await record(tenant, { name: 'm' });
    expect(statements.slice(before)).toEqual([expect.objectContaining({ into: 'metricast_metric_point' })]);
  });

  it('what was seen before midnight and committed after it is seen again', async () => {
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'] });
    const [tenant, day] = [newTenant(), 20_600];
    vi.setSystemTime(day * DAY + DAY - 1);
    const { write, series } = storage();
    const metric = { channel: ORDERS, sample: sampleWith() };
    const committed = await write(() => series.append(tenant, [metric]));
    vi.setSystemTime((day + 1) * DAY);
    await record(newTenant());
    committed();
    await record(tenant, { name: metric.sample.name });

    const rows = await storage().rows('SELECT seen_on FROM metricast_metric_series WHERE tenant_id = $1', [tenant]);
    expect(rows).toEqual([{ seen_on: day + 1 }]);
  });

  it('a channel exists for the tenant that recorded in it, after a restart too', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    await record(tenant, { channel: 'fresh.metrics' });
    const restarted = storage().newDirectory();

    for (const directory of [storage().directory, restarted]) {
      expect((await directory.existing(tenant, [channelName('fresh.metrics')])).size).toBe(1);
      expect((await directory.existing(tenant, [channelName('other.metrics')])).size).toBe(0);
      expect((await directory.existing(other, [channelName('fresh.metrics')])).size).toBe(0);
    }
  });

  it('a channel does not exist where the write failed that would have made it', async () => {
    const tenant = newTenant();
    await storage().dataSource.query('ALTER TABLE metricast_metric_point RENAME TO hidden');
    await expect(record(tenant, { channel: 'failed.metrics', id: randomUUID() })).rejects.toMatchObject({
      code: 'busy',
    });
    await storage().dataSource.query('ALTER TABLE hidden RENAME TO metricast_metric_point');

    expect((await storage().directory.existing(tenant, [channelName('failed.metrics')])).size).toBe(0);
  });
}

function randomLetter(): number {
  return 0x4e00 + Math.floor(Math.random() * 20_000);
}
