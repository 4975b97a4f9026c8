import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { INTERVALS, type Sample, type SampleType, Sketch, type TenantId } from '../../../src/protocol/index.js';
import type { MetricInput } from '../../../src/recording/index.js';
import type { Row } from '../../../src/store/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { sampleWith } from '../../support/publications.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type StoredPoint, type StoredRollup, expectedRollups, increasesOf } from '../../support/rollup-oracle.js';
import { type Storage, newTenant } from '../../support/storage.js';

const CHANNEL = 'rolled.metrics';
/** The beginning of an hour, some time ago. */
const START = Date.UTC(2026, 0, 20, 12);
const HOUR = 3_600_000;

/** What is recorded is added up in windows of all lengths, in the transaction that stores it. */
export function rollupsContract(storage: () => Storage, another: () => Promise<Storage>): void {
  const record = (tenant: TenantId, ...metrics: Partial<MetricInput>[]) =>
    storage().metrics.record(tenant, metrics.map(metric));
  const pointsOf = async (tenant: TenantId): Promise<StoredPoint[]> => {
    const rows = await storage().rows(
      `SELECT point.series_id, type, timestamp, value, increase
       FROM metricast_metric_point point JOIN metricast_metric_series series ON series.series_id = point.series_id
       WHERE tenant_id = $1 ORDER BY point_id`,
      [tenant],
    );
    return rows.map(({ series_id, type, timestamp, value, increase }) => ({
      series: Number(series_id),
      type: type as SampleType,
      timestamp: Number(timestamp),
      value: Number(value),
      increase: increase === null ? null : Number(increase),
    }));
  };
  const increases = async (tenant: TenantId) => (await pointsOf(tenant)).map(({ increase }) => increase);
  const sketchedRollupsOf = async (tenant: TenantId) => {
    const rows = await storage().rows(
      `SELECT rollup.* FROM metricast_rollup rollup
       JOIN metricast_metric_series series ON series.series_id = rollup.series_id WHERE tenant_id = $1
       ORDER BY resolution, bucket, rollup.series_id`,
      [tenant],
    );
    return rows.map(({ sketch, ...row }) => ({ rollup: rollupOf(row), sketch: sketch as string | null }));
  };
  const rollupsOf = async (tenant: TenantId) => (await sketchedRollupsOf(tenant)).map(({ rollup }) => rollup);

  /** That the rollups and the increases are what one finds who looks at all points again. */
  const expectExact = async (tenant: TenantId) => {
    const points = await pointsOf(tenant);
    expect(points.map(({ increase }) => increase)).toEqual(increasesOf(points));
    const [found, expected] = [await sketchedRollupsOf(tenant), expectedRollups(points)];
    expect(found.map(({ rollup }) => rollup)).toEqual(expected.map(({ rollup }) => rollup));
    found.forEach(({ rollup, sketch }, index) => {
      const { quantiles } = expected[index]!;
      expect(sketch !== null).toBe(quantiles !== undefined);
      if (sketch === null || !quantiles) return;
      const sketched = Sketch.decode(sketch).quantiles(rollup);
      for (const name of ['p50', 'p95', 'p99'] as const) {
        // The last digits are those of the calculation.
        expect(Math.abs(sketched[name] - quantiles[name])).toBeLessThanOrEqual(Math.abs(quantiles[name]) * 0.010_000_1);
      }
    });
  };

  it('windows and increases are what all points come to, however they arrive', async () => {
    const property = fc.asyncProperty(fc.array(commit, { maxLength: 6 }), async (commits) => {
      const tenant = newTenant();
      for (const requests of commits) {
        // In one transaction: all come in one turn.
        await Promise.all(requests.map((items) => record(tenant, ...items)));
      }
      await expectExact(tenant);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('so they are where two instances write at once', async () => {
    const other = await another();
    onTestFinished(() => other.close());
    const property = fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
      const tenant = newTenant();
      const writers = [storage().metrics, other.metrics];
      await Promise.all(requests.map((items, index) => writers[index % 2]!.record(tenant, items.map(metric))));
      await expectExact(tenant);
    });
    await fc.assert(property, { numRuns: 20 });
  });

  it('a value is in one window of each length, and what is no counter has no increase', async () => {
    const tenant = newTenant();
    await record(tenant, { value: 2.5, timestamp: START + 3_723_456 });

    expect(await rollupsOf(tenant)).toEqual(
      [3_723_000, 3_720_000, 3_720_000, 3_600_000, 3_600_000].map((start, level) => ({
        resolution: Object.values(INTERVALS)[level]! / 1000,
        bucket: START + start,
        series: expect.any(Number) as number,
        count: 1,
        sum: 2.5,
        min: 2.5,
        max: 2.5,
        last: 2.5,
        lastAt: START + 3_723_456,
        increase: 0,
      })),
    );
    expect(await increases(tenant)).toEqual([null]);
  });

  it('a transaction writes each window once, in the order of the key', async () => {
    const tenant = newTenant();
    const { deferred } = storage().transactor;
    const before = deferred.length;
    await Promise.all([
      record(tenant, { name: 'b', timestamp: START + HOUR }, { name: 'a', timestamp: START }),
      record(tenant, { name: 'a', timestamp: START + 10 }, { name: 'b', timestamp: START + HOUR + 1 }),
    ]);

    const inserts = deferred.slice(before).flatMap((one) => ('into' in one ? [one] : []));
    expect(inserts.map(({ into }) => into)).toEqual(['metricast_rollup']);
    const keys = inserts[0]!.rows.map(([resolution, bucket]) => [resolution, bucket]);
    expect(keys).toEqual(
      [1, 5, 60, 300, 3600].flatMap((resolution) => [
        [resolution, START],
        [resolution, START + HOUR],
      ]),
    );
    expect((await rollupsOf(tenant)).map(({ count }) => count)).toEqual(Array(10).fill(2));
  });

  it('a write that fails leaves nothing in the windows, and those beside it are in them', async () => {
    const tenant = newTenant();
    const { write, series } = storage();
    const failing = write(function* () {
      yield* series.append(tenant, [{ channel: CHANNEL as never, sample: sampleWith({ timestamp: START }) }]);
      throw new Error('the rest of the write');
    });
    const results = await Promise.allSettled([record(tenant, {}), failing, record(tenant, {})]);

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await rollupsOf(tenant)).map(({ count }) => count)).toEqual(Array(5).fill(2));
  });

  it('where the windows cannot be written, nothing is stored, and none of the writes is blamed', async () => {
    const tenant = newTenant();
    const before = storage().transactor.sizes.length;
    await storage().dataSource.query('ALTER TABLE metricast_rollup RENAME TO hidden');
    const results = await Promise.allSettled([record(tenant, {}), record(tenant, {}), record(tenant, {})]);
    await storage().dataSource.query('ALTER TABLE hidden RENAME TO metricast_rollup');

    for (const result of results) expect(result).toMatchObject({ reason: { code: 'busy' } });
    expect(storage().transactor.sizes.slice(before)).toEqual([3]);
    expect(await pointsOf(tenant)).toEqual([]);
  });

  it('a counter’s first value is its increase, a fall is a new beginning, and no increase is lost to a late value', async () => {
    const tenant = newTenant();
    const reading = (seconds: number, value: number): Partial<MetricInput> => ({
      type: 'counter',
      timestamp: START + seconds * 1000,
      value,
    });
    await record(tenant, reading(10, 5), reading(20, 9), reading(30, 2));
    expect(await increases(tenant)).toEqual([5, 4, 2]);
    await record(tenant, reading(15, 7));
    expect(await increases(tenant)).toEqual([5, 2, 2, 2]);
    // What looked like one fall were two.
    await record(tenant, reading(25, 1));
    expect(await increases(tenant)).toEqual([5, 2, 1, 2, 1]);
    await expectExact(tenant);
  });

  it('a late value grew from what its deleted predecessor had', async () => {
    const tenant = newTenant();
    const at = (seconds: number, value: number) =>
      record(tenant, { type: 'counter', timestamp: START + seconds * 1000, value });
    await at(0, 10);
    await at(20, 100);
    await storage().rows(
      `DELETE FROM metricast_metric_point WHERE timestamp = $1 AND series_id IN (
         SELECT series_id FROM metricast_metric_series WHERE tenant_id = $2)`,
      [START, tenant],
    );
    await at(10, 60);

    expect(await increases(tenant)).toEqual([40, 50]);
    const hours = (await rollupsOf(tenant)).filter(({ resolution }) => resolution === 3600);
    expect(hours).toMatchObject([{ count: 3, increase: 100 }]);
  });

  it('values whose increase was never known stay as they are', async () => {
    const tenant = newTenant();
    const at = (seconds: number, value: number) =>
      record(tenant, { type: 'counter', timestamp: START + seconds * 1000, value });
    await at(20, 100);
    await storage().rows(
      `UPDATE metricast_metric_point SET increase = NULL WHERE series_id IN (
         SELECT series_id FROM metricast_metric_series WHERE tenant_id = $1)`,
      [tenant],
    );
    await at(10, 60);
    await at(30, 130);

    expect(await increases(tenant)).toEqual([null, 60, 30]);
  });

  it('the largest numbers hold up nobody', async () => {
    const tenant = newTenant();
    const sizes = [...Array<number>(4).fill(1.79e308), ...Array<number>(6).fill(-1.79e308), 5e-324, 1.79e308];
    for (const type of ['gauge', 'counter', 'histogram'] as const) {
      for (const value of sizes) await record(tenant, { type, value }, { type, value });
      await record(tenant, ...sizes.map((value) => ({ type, value })));
    }

    const rollups = await rollupsOf(tenant);
    expect(rollups.map(({ count }) => count)).toEqual(Array(15).fill(36));
    for (const { sum, increase } of rollups) expect([sum, increase].every(Number.isFinite)).toBe(true);
  });

  it.each(['', 'null', '{}', '[0,["a",1],[]]'])(
    'a stored distribution that cannot be read (%s) holds up nobody: it is written anew, and the log is told',
    async (unreadable) => {
      const [tenant, other] = [newTenant(), newTenant()];
      const observe = (value: number) => record(tenant, { type: 'histogram', value });
      await observe(7);
      await storage().rows(
        `UPDATE metricast_rollup SET sketch = $1 WHERE resolution = 60 AND series_id IN (
           SELECT series_id FROM metricast_metric_series WHERE tenant_id = $2)`,
        [unreadable, tenant],
      );
      const log = new CapturedLog();
      Logger.overrideLogger(log);
      onTestFinished(() => Logger.overrideLogger(['fatal']));
      const windowsAt = (interval: '1m' | '5m') => storage().rollups.at(interval, START, ids);
      const ids = (await rollupsOf(tenant)).slice(0, 1).map(({ series }) => series);
      expect([...(await windowsAt('1m')).values()]).toMatchObject([{ count: 1, value: 7 }]);
      await Promise.all([observe(2), record(other, {})]);

      expect(log.text).toContain(`A distribution of series ${ids[0]} cannot be read`);
      const [minute, minutes] = [[...(await windowsAt('1m')).values()][0]!, [...(await windowsAt('5m')).values()][0]!];
      // Of the minute 7 is lost, but for the numbers that are no distribution.
      expect([minute.count, minute.max, minute.summary.p99]).toEqual([2, 7, expect.closeTo(2, 1)]);
      expect([minutes.count, minutes.summary.p50]).toEqual([2, expect.closeTo(2, 1)]);
      expect(await pointsOf(other)).toHaveLength(1);
    },
  );

  it('what is published says where it is stored, and by how much a counter grew', async () => {
    const tenant = newTenant();
    const published: unknown[] = [];
    storage().broker.onPublication(({ tenant: whose, message, stored }) => {
      if (whose === tenant) published.push([(message as Sample).value, (message as Sample).increase, stored]);
    });
    await record(tenant, { value: 1 }, ...Array.from({ length: 49 }, (_, index) => ({ value: index + 2 })));
    await record(tenant, { type: 'counter', value: 5 }, { type: 'counter', value: 8 });

    const rows = await storage().rows(
      `SELECT value, increase, point_id, point.series_id
       FROM metricast_metric_point point JOIN metricast_metric_series series ON series.series_id = point.series_id
       WHERE tenant_id = $1 ORDER BY point_id`,
      [tenant],
    );
    expect(published).toEqual(
      rows.map(({ value, increase, point_id, series_id }) => [
        value,
        increase ?? undefined,
        { row: Number(point_id), series: series_id },
      ]),
    );
    expect(published).toHaveLength(52);
  });

  it('what is there before is found by an index', async () => {
    const tenant = newTenant();
    const all = (timestamp: number) =>
      record(
        tenant,
        ...(['counter', 'histogram'] as const).flatMap((type) =>
          ['a', 'b', 'c'].map((name) => ({ type, name, timestamp })),
        ),
      );
    await all(START);
    await all(START + 5000);
    const plans = await plansOf(storage(), () => all(START + 1000));

    const read = plans.join('\n');
    for (const table of ['metric_point newest', 'metric_point before', 'metric_point after', 'rollup rollup']) {
      expect(read).toContain(`FROM metricast_${table}`);
    }
    expectIndexed(plans, ['keyed', String.raw`\d+ CONSTANT ROWS`]);
  });
}

function rollupOf(row: Row): StoredRollup {
  const { resolution, bucket, series_id, count, sum, min, max, last, last_at, increase } = row;
  return {
    resolution: Number(resolution),
    bucket: Number(bucket),
    series: Number(series_id),
    count: Number(count),
    sum: Number(sum),
    min: Number(min),
    max: Number(max),
    last: Number(last),
    lastAt: Number(last_at),
    increase: Number(increase),
  };
}

function metric(fields: Partial<MetricInput>): MetricInput {
  const { timestamp = START, ...others } = fields;
  return {
    channel: CHANNEL,
    name: 'n',
    type: 'gauge',
    value: 1,
    ...others,
    timestamp: (timestamp as number) / 1000,
  };
}

/** Whole numbers, so that sums are exact; few series and instants, so that they meet. */
const item = fc.record({
  type: fc.constantFrom('gauge', 'counter', 'histogram'),
  name: fc.constantFrom('n', 'm'),
  value: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: -1_000_000, max: 1_000_000 })),
  timestamp: fc
    .oneof(fc.constantFrom(0, 1, 999, 1000, 5000, 60_000, 299_999, HOUR), fc.nat(2 * HOUR), fc.nat(10_000))
    .map((offset) => START + offset),
}) as fc.Arbitrary<Partial<MetricInput>>;

const request = fc.array(item, { minLength: 1, maxLength: 12 });
const commit = fc.array(request, { minLength: 1, maxLength: 3 });
