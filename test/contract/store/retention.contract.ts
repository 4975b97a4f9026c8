import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TenantId } from '../../../src/protocol/index.js';
import { LEVELS, SqlReader, type SqlValue } from '../../../src/store/index.js';
import { RetentionPace } from '../../../src/store/retention-pace.js';
import { ROWS_A_STEP } from '../../../src/store/retention-step.js';
import type { TestDatabase } from '../../support/databases.js';
import { channelName } from '../../support/publications.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { set } from '../../support/settings.js';
import { type Storage, newTenant, openStorage } from '../../support/storage.js';

const ORDERS = channelName('orders.metrics');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A day begins, so that whatever is a whole number of days or hours ago begins a window of any length. */
const NOW = Math.floor(Date.UTC(2026, 2, 28) / DAY) * DAY;

/** What is older than it is kept is deleted. Each time on a database of its own: what is deleted is anybody's. */
export function retentionContract(createDatabase: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  let storage: Storage;
  let tenant: TenantId;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    database = await createDatabase();
    storage = await openStorage(database.url);
    tenant = newTenant();
  });

  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    await storage.close();
    await database.drop();
  });

  const insert = (into: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]) =>
    storage.write(function* () {
      yield { into, columns, rows };
    }, rows.length);
  const newSeries = async (of: TenantId, count = 1, seenOn = NOW / DAY): Promise<number[]> => {
    const names = Array.from({ length: count }, () => newTenant());
    await insert(
      'metricast_metric_series',
      ['identity', 'tenant_id', 'channel', 'name', 'type', 'tags', 'seen_on'],
      names.map((name) => [name, of, ORDERS, name, 'gauge', '', seenOn]),
    );
    const rows = await storage.rows('SELECT series_id FROM metricast_metric_series WHERE tenant_id = $1 ORDER BY 1', [
      of,
    ]);
    return rows.map((row) => Number(row['series_id']));
  };
  const addRollups = (length: number, rows: readonly (readonly [bucket: number, series: number])[]) =>
    insert(
      'metricast_rollup',
      ['resolution', 'bucket', 'series_id', 'count', 'sum', 'min', 'max', 'last', 'last_at', 'increase'],
      rows.map(([bucket, series]) => [length / 1000, bucket, series, 1, 1, 1, 1, 1, bucket, 0]),
    );
  const addPoints = (series: number, ...timestamps: number[]) =>
    insert(
      'metricast_metric_point',
      ['series_id', 'timestamp', 'value'],
      timestamps.map((at) => [series, at, 1]),
    );
  const numbersIn = async (sql: string, values: readonly SqlValue[] = []) =>
    (await storage.rows(sql, values)).flatMap((row) => Object.values(row).map(Number));
  const bucketsOf = (series: number, length: number) =>
    numbersIn('SELECT bucket FROM metricast_rollup WHERE series_id = $1 AND resolution = $2 ORDER BY bucket', [
      series,
      length / 1000,
    ]);
  const pointsOf = (series: number) =>
    numbersIn('SELECT timestamp FROM metricast_metric_point WHERE series_id = $1 ORDER BY timestamp, point_id', [
      series,
    ]);

  describe('rollups', () => {
    const WINDOWS = LEVELS.filter(({ length }) => length > 0).map(
      ({ resolution, length, keptFor }) => [resolution, length, keptFor] as const,
    );

    it.each(WINDOWS)(
      'of %s stay as long as any part of their window is in the time kept',
      async (_, length, keptFor) => {
        const [series] = await newSeries(tenant);
        const buckets = [-400 * DAY, -length, 0, length].map((offset) => NOW - keptFor + offset);
        await addRollups(
          length,
          buckets.map((bucket) => [bucket, series!]),
        );
        await storage.retention.run(NOW);
        expect(await bucketsOf(series!, length)).toEqual(buckets.slice(2));
        await storage.retention.run(NOW + length - 1);
        expect(await bucketsOf(series!, length)).toEqual(buckets.slice(2));
        await storage.retention.run(NOW + length);
        expect(await bucketsOf(series!, length)).toEqual(buckets.slice(3));
      },
    );

    it('go sooner where their tenant wants it, and no later', async () => {
      const [shorter, longer] = [newTenant(), newTenant()];
      set(storage.tenants, shorter, { retentionDays: 7 });
      set(storage.tenants, longer, { retentionDays: 3650 });
      const tenants = [tenant, shorter, longer];
      const series = await Promise.all(tenants.map(async (one) => (await newSeries(one))[0]!));
      const days = [1, 7, 8, 29, 31, 89, 91, 729, 731].map((count) => NOW - count * DAY);
      for (const [, length] of WINDOWS)
        await addRollups(
          length,
          days.flatMap((day) => series.map((one) => [day, one] as const)),
        );
      await storage.retention.run(NOW);
      const kept = await Promise.all(
        series.map(async (one) =>
          (await Promise.all(WINDOWS.map(([, length]) => bucketsOf(one, length)))).map((all) => all.length),
        ),
      );
      expect(kept).toEqual([
        [1, 1, 4, 6, 8],
        [1, 1, 2, 2, 2],
        [1, 1, 4, 6, 8],
      ]);
    });

    it("are found wherever they are among many, and left where they are others'", async () => {
      set(storage.tenants, tenant, { retentionDays: 1 });
      const theirs = await newSeries(tenant, 3);
      const others = await newSeries(newTenant(), 100);
      const buckets = Array.from({ length: 30 }, (_, index) => NOW - 2 * DAY + index * 60_000);
      await addRollups(
        60_000,
        buckets.flatMap((bucket) => [...theirs, ...others].map((one) => [bucket, one] as const)),
      );
      expect(buckets.length * others.length).toBeGreaterThan(2 * ROWS_A_STEP);
      await storage.retention.run(NOW);
      const left = await numbersIn('SELECT DISTINCT series_id FROM metricast_rollup ORDER BY series_id');
      expect(left).toEqual(others);
      expect(await numbersIn('SELECT COUNT(*) FROM metricast_rollup')).toEqual([buckets.length * others.length]);
      expect(storage.retention.deleted).toEqual(new Map([['metricast_rollup', buckets.length * theirs.length]]));
    });

    it('a setting that is made shorter acts at the next run, one that is made longer from then on', async () => {
      const [series] = await newSeries(tenant);
      const buckets = [9, 6, 4, 2].map((count) => NOW - count * DAY);
      await addRollups(
        HOUR,
        buckets.map((bucket) => [bucket, series!]),
      );
      set(storage.tenants, tenant, { retentionDays: 7 });
      await storage.retention.run(NOW);
      expect(await bucketsOf(series!, HOUR)).toEqual(buckets.slice(1));
      set(storage.tenants, tenant, { retentionDays: 5 });
      await storage.retention.run(NOW);
      expect(await bucketsOf(series!, HOUR)).toEqual(buckets.slice(2));
      set(storage.tenants, tenant, { retentionDays: 30 });
      await storage.retention.run(NOW + 3 * DAY);
      expect(await bucketsOf(series!, HOUR)).toEqual(buckets.slice(2));
    });

    it('a tenant that joins others of the same setting has what is old deleted within the hour, and nobody is looked through twice in it', async () => {
      const another = newTenant();
      set(storage.tenants, another, { retentionDays: 7 });
      const [theirs] = await newSeries(another);
      const [ours] = await newSeries(tenant);
      await addRollups(HOUR, [
        [NOW - 9 * DAY, ours!],
        [NOW - 8 * DAY, theirs!],
      ]);
      await storage.retention.run(NOW);
      expect([await bucketsOf(ours!, HOUR), await bucketsOf(theirs!, HOUR)]).toEqual([[NOW - 9 * DAY], []]);
      set(storage.tenants, tenant, { retentionDays: 7 });
      const read = vi.spyOn(SqlReader.prototype, 'timed');
      await storage.retention.run(NOW + HOUR - 1);
      expect(read).not.toHaveBeenCalledWith(expect.anything(), [3600, -1, 0, NOW - 7 * DAY - 1]);
      expect(await bucketsOf(ours!, HOUR)).toEqual([NOW - 9 * DAY]);
      await storage.retention.run(NOW + HOUR);
      expect(await bucketsOf(ours!, HOUR)).toEqual([]);
    });

    it('of values that came late are gone a day later at most, where the tenant has a shorter time', async () => {
      set(storage.tenants, tenant, { retentionDays: 7 });
      const [series] = await newSeries(tenant);
      await addRollups(HOUR, [[NOW - 8 * DAY, series!]]);
      await storage.retention.run(NOW);
      await addRollups(HOUR, [[NOW - 9 * DAY, series!]]);
      await storage.retention.run(NOW + DAY);
      expect(await bucketsOf(series!, HOUR)).toEqual([]);
    });
  });

  describe('points', () => {
    it('go after a day, but the newest of each series', async () => {
      set(storage.tenants, tenant, { retentionDays: 3650 });
      const [busy, idle, single] = await newSeries(tenant, 3);
      await addPoints(busy!, NOW - 3 * DAY, NOW - DAY - 1, NOW - DAY, NOW);
      // The newest is not the one that came last; of two at one time it is.
      await addPoints(idle!, NOW - 2 * DAY, NOW - 2 * DAY, NOW - 3 * DAY);
      await addPoints(single!, NOW - 9 * DAY);
      const kept = await numbersIn('SELECT MAX(point_id) FROM metricast_metric_point WHERE timestamp = $1', [
        NOW - 2 * DAY,
      ]);
      await storage.retention.run(NOW);
      expect(await pointsOf(busy!)).toEqual([NOW - DAY, NOW]);
      expect(await numbersIn('SELECT point_id FROM metricast_metric_point WHERE series_id = $1', [idle!])).toEqual(
        kept,
      );
      expect(await pointsOf(single!)).toEqual([NOW - 9 * DAY]);
    });

    it('that came late go at the next run, wherever they lie', async () => {
      const [one, other] = await newSeries(tenant, 2);
      await addPoints(one!, NOW - DAY, NOW - 3 * DAY, NOW);
      await addPoints(other!, NOW - 5 * DAY);
      await storage.retention.run(NOW);
      expect(await pointsOf(one!)).toEqual([NOW - DAY, NOW]);
      // The one that was the newest so far was passed already.
      await addPoints(other!, NOW - 2 * DAY, NOW - 4 * DAY);
      await storage.retention.run(NOW);
      expect(await pointsOf(other!)).toEqual([NOW - 2 * DAY]);
    });

    it('are not held up by what a wrong clock has stamped with a time to come', async () => {
      const [one, other] = await newSeries(tenant, 2);
      await addPoints(one!, NOW + 300 * DAY, NOW + 301 * DAY);
      await addPoints(other!, NOW - 3 * DAY, NOW - 2 * DAY, NOW);
      await storage.retention.run(NOW);
      expect(await pointsOf(other!)).toEqual([NOW]);
      expect(await pointsOf(one!)).toEqual([NOW + 300 * DAY, NOW + 301 * DAY]);
    });

    it('of many series, and many of one, are all found', async () => {
      const series = await newSeries(tenant, 450);
      await insert(
        'metricast_metric_point',
        ['series_id', 'timestamp', 'value'],
        [0, 1, 2].flatMap((index) => series.map((one) => [one, NOW - 2 * DAY + index, index])),
      );
      await addPoints(series[7]!, ...Array.from({ length: 3 * ROWS_A_STEP }, (_, index) => NOW - 3 * DAY + index));
      await storage.retention.run(NOW);
      expect(await numbersIn('SELECT value FROM metricast_metric_point')).toEqual(series.map(() => 2));
      expect(storage.retention.deleted.get('metricast_metric_point')).toBe(2 * series.length + 3 * ROWS_A_STEP);
    });

    it('of a counter that comes again after days count from the one that was kept', async () => {
      const counter = { channel: ORDERS, name: 'n', type: 'counter' } as const;
      await storage.metrics.record(tenant, [
        { ...counter, value: 5 },
        { ...counter, value: 7 },
      ]);
      vi.setSystemTime(NOW + 5 * DAY);
      await storage.retention.run(NOW + 5 * DAY);
      await storage.metrics.record(tenant, { ...counter, value: 10 });
      expect(await storage.rows('SELECT increase FROM metricast_metric_point ORDER BY timestamp')).toEqual([
        { increase: 2 },
        { increase: 3 },
      ]);
    });
  });

  describe('series', () => {
    const record = (name: string) => storage.metrics.record(tenant, { channel: ORDERS, name, type: 'gauge', value: 1 });
    const names = async () =>
      (await storage.rows('SELECT name FROM metricast_metric_series ORDER BY name')).map(({ name }) => name);

    it('that nobody wrote to go when all of their history is gone, and a day', async () => {
      await record('n');
      await storage.retention.run(NOW + 731 * DAY + HOUR);
      expect(await names()).toEqual(['n']);
      expect(await numbersIn('SELECT COUNT(*) FROM metricast_rollup')).toEqual([0]);
      await storage.retention.run(NOW + 732 * DAY);
      expect(await names()).toEqual([]);
      expect(await numbersIn('SELECT COUNT(*) FROM metricast_metric_point')).toEqual([0]);
    });

    it('make room for others at once, and are begun anew when they come again', async () => {
      set(storage.tenants, tenant, { retentionDays: 1, limits: { maxSeries: 2 } });
      await record('a');
      await record('b');
      expect(await record('c')).toMatchObject({ accepted: 0 });
      vi.setSystemTime(NOW + 2 * DAY);
      await record('b');
      await storage.retention.run();
      expect(await names()).toEqual(['a', 'b']);
      vi.setSystemTime(NOW + 3 * DAY);
      expect(await record('c')).toMatchObject({ accepted: 0 });
      await storage.retention.run();
      expect(await names()).toEqual(['b']);
      expect(await record('c')).toMatchObject({ accepted: 1 });
      expect(await record('a')).toMatchObject({ accepted: 0 });
      set(storage.tenants, tenant, { retentionDays: 1 });
      expect(await record('a')).toMatchObject({ accepted: 1 });
      expect(await names()).toEqual(['a', 'b', 'c']);
    });

    it('are some thousand a run: the others have their turn in the next ones', async () => {
      set(storage.tenants, tenant, { retentionDays: 1 });
      await newSeries(tenant, 5000, 0);
      const left = () => numbersIn('SELECT COUNT(*) FROM metricast_metric_series');
      await storage.retention.run(NOW);
      expect(await left()).toEqual([1000]);
      await newSeries(tenant, 1, 0);
      await storage.retention.run(NOW);
      expect(await left()).toEqual([0]);
      await newSeries(tenant, 1, 0);
      await storage.retention.run(NOW);
      expect(await left()).toEqual([0]);
    });

    it('of the last points, these, and the channel with the last of them', async () => {
      set(storage.tenants, tenant, { retentionDays: 1 });
      await record('n');
      expect(await storage.directory.existing(tenant, [ORDERS])).toEqual(new Set([ORDERS]));
      await storage.retention.run(NOW + 3 * DAY);
      expect(await storage.directory.existing(tenant, [ORDERS])).toEqual(new Set());
      expect(await numbersIn('SELECT COUNT(*) FROM metricast_metric_point')).toEqual([0]);
    });

    it('that are written to while they are about to go stay', async () => {
      set(storage.tenants, tenant, { retentionDays: 1 });
      await record('n');
      vi.setSystemTime(NOW + 3 * DAY);
      const open = storage.transactor.hold();
      const recorded = record('n');
      const run = storage.retention.run(NOW + 3 * DAY);
      // It has found the series, and waits behind what is recorded in it.
      await vi.waitFor(() => expect(storage.queue.queuedRows).toBeGreaterThan(ROWS_A_STEP), { interval: 1 });
      open();
      await Promise.all([run, recorded]);
      await storage.retention.run(NOW + 3 * DAY);
      expect(await names()).toEqual(['n']);
      const stored = await storage.rows(
        'SELECT name FROM metricast_metric_point point JOIN metricast_metric_series series USING (series_id) WHERE timestamp = $1',
        [NOW + 3 * DAY],
      );
      expect(stored).toEqual([{ name: 'n' }]);
    });
  });

  describe('logs', () => {
    const LOGS = [
      [
        'runs',
        'metricast_skill_invocation',
        () => storage.skills.record(tenant, { skill_name: 'pytest', completed: true }),
      ],
      [
        'decisions',
        'metricast_decision',
        () => storage.decisions.record(tenant, { strategy: 's', provider: 'p', confidence: 1, cost: 1 }),
      ],
      ['usage', 'metricast_tool_usage', () => storage.usage.record(tenant, { tool_id: 't', kind: 'embedding' })],
      ['events', 'metricast_event', () => storage.hostEvents.publish(tenant, 'x.events', { type: 't', data: {} })],
    ] as const;

    it.each(LOGS)('%s go after 30 days, or the days of their tenant', async (_, table, record) => {
      const count = () => numbersIn(`SELECT COUNT(*) FROM ${table}`);
      await record();
      await storage.retention.run(NOW + 30 * DAY);
      expect(await count()).toEqual([1]);
      set(storage.tenants, newTenant(), { retentionDays: 7 });
      await storage.retention.run(NOW + 30 * DAY);
      expect(await count()).toEqual([1]);
      await storage.retention.run(NOW + 30 * DAY + 1);
      expect(await count()).toEqual([0]);
      vi.setSystemTime(NOW + 40 * DAY);
      await record();
      set(storage.tenants, tenant, { retentionDays: 7 });
      await storage.retention.run(NOW + 47 * DAY);
      expect(await count()).toEqual([1]);
      await storage.retention.run(NOW + 47 * DAY + 1);
      expect(await count()).toEqual([0]);
    });

    const runAt = (ranAt: number, of = tenant): SqlValue[] => [of, 's', true, ranAt];
    const addRuns = (rows: SqlValue[][]) =>
      insert('metricast_skill_invocation', ['tenant_id', 'skill_name', 'completed', 'ran_at'], rows);
    const runs = () => numbersIn('SELECT ran_at FROM metricast_skill_invocation ORDER BY invocation_id');

    it('are gone through in the order in which they came, however many there are', async () => {
      const another = newTenant();
      set(storage.tenants, tenant, { retentionDays: 7 });
      const old = Array.from({ length: 3 * ROWS_A_STEP }, (_, index) =>
        runAt(NOW - 8 * DAY, index % 3 ? another : tenant),
      );
      await addRuns([...old, runAt(NOW), runAt(NOW - 9 * DAY)]);
      await storage.retention.run(NOW);
      expect(await runs()).toHaveLength(2 * ROWS_A_STEP + 2);
      // What came late goes when its turn comes.
      await storage.retention.run(NOW + 7 * DAY + 1);
      expect(await runs()).toEqual(Array(2 * ROWS_A_STEP).fill(NOW - 8 * DAY));
      await storage.retention.run(NOW + 30 * DAY);
      expect(await runs()).toEqual([]);
    });

    it('are not held up by what a wrong clock has stamped with a time to come', async () => {
      const ahead = Array.from({ length: ROWS_A_STEP + 1 }, () => runAt(NOW + 400 * DAY));
      await addRuns([...ahead, runAt(NOW - 31 * DAY), runAt(NOW)]);
      await storage.retention.run(NOW);
      expect(await runs()).toEqual([...ahead.map(() => NOW + 400 * DAY), NOW]);
    });

    it('leave the totals as they are', async () => {
      for (const [, , record] of LOGS) await record();
      await storage.retention.run(NOW + 31 * DAY);
      expect(await storage.rows('SELECT total_invocations FROM metricast_skill')).toMatchObject([{}]);
      expect(await storage.rows('SELECT COUNT(*) AS rows FROM metricast_decision_bucket')).not.toMatchObject([
        { rows: 0 },
      ]);
      expect(await storage.rows(`SELECT count FROM metricast_tool_total WHERE scope = 'tool'`)).toEqual([{ count: 1 }]);
    });
  });

  it('ids are remembered for a day', async () => {
    const record = () => storage.skills.record(tenant, { id: 'a', skill_name: 's', completed: true });
    const total = () => numbersIn('SELECT total_invocations FROM metricast_skill WHERE tenant_id = $1', [tenant]);
    await record();
    await storage.retention.run(NOW + DAY);
    await record();
    expect(await total()).toEqual([1]);
    await storage.retention.run(NOW + DAY + 1);
    await record();
    expect(await total()).toEqual([2]);
  });

  it('many ids are all deleted', async () => {
    const ids = Array.from({ length: 2 * ROWS_A_STEP }, (_, index) => [tenant, 'skills', `${index}`, NOW]);
    await insert('metricast_recorded_id', ['tenant_id', 'kind', 'id', 'recorded_at'], ids);
    await storage.retention.run(NOW + DAY + 1);
    expect(await numbersIn('SELECT COUNT(*) FROM metricast_recorded_id')).toEqual([0]);
  });

  describe('a run', () => {
    const addOldRollups = async (count: number) => {
      const [series] = await newSeries(tenant);
      await addRollups(
        1000,
        Array.from({ length: count }, (_, index) => [NOW - 9 * DAY + index * 1000, series!] as const),
      );
    };
    const rollups = () => numbersIn('SELECT COUNT(*) FROM metricast_rollup');

    it('takes small steps, and lets others write in between', async () => {
      await addOldRollups(5 * ROWS_A_STEP);
      const run = storage.retention.run(NOW);
      const left: number[] = [];
      for (let count = Infinity; count > 0; left.push(count)) {
        [count] = (await storage
          .write(function* () {
            return Number((yield { sql: 'SELECT COUNT(*) AS count FROM metricast_rollup', values: [] })[0]!['count']);
          })
          .then((one) => [one])) as [number];
      }
      await run;
      for (const [index, count] of left.entries()) {
        expect((left[index - 1] ?? 5 * ROWS_A_STEP) - count).toBeLessThanOrEqual(2 * ROWS_A_STEP);
      }
      // The second and the third step wait together, and so do the last two.
      expect(new Set(left).size).toBeGreaterThan(3);
    });

    it('keeps up with what is recorded as fast as the database takes it', async () => {
      await addOldRollups(60 * ROWS_A_STEP);
      const inputs = Array.from({ length: 1000 }, (_, index) => {
        return { channel: ORDERS, name: `n${index}`, type: 'gauge' as const, value: index };
      });
      let isOver = false;
      let recorded = 0;
      const recording = [1, 2].map(async () => {
        while (!isOver) recorded += (await storage.metrics.record(tenant, inputs)).accepted;
      });
      await storage.retention.run(NOW).finally(() => (isOver = true));
      await Promise.all(recording);
      // A point makes a row of its own and one of its second, and now and then some of longer windows.
      expect(storage.retention.deleted.get('metricast_rollup')).toBe(60 * ROWS_A_STEP);
      expect(recorded).toBeGreaterThan(1000);
      expect((60 * ROWS_A_STEP) / recorded).toBeGreaterThan(2);
    });

    it('has ever more steps wait together while all that it finds is due, and each is small', async () => {
      await addOldRollups(40 * ROWS_A_STEP);
      let [waiting, most] = [0, 0];
      const write = storage.queue.write.bind(storage.queue);
      vi.spyOn(storage.queue, 'write').mockImplementation(async (...parameters) => {
        most = Math.max(most, ++waiting);
        const result = await write(...parameters);
        waiting--;
        expect((result as { deleted: number }).deleted).toBeLessThanOrEqual(ROWS_A_STEP);
        return result as never;
      });
      await storage.retention.run(NOW);
      expect(await rollups()).toEqual([0]);
      expect(most).toBe(16);
    });

    it('rests before it looks for more, as long as it has worked: for what it has looked for, too', async () => {
      set(storage.tenants, newTenant(), { retentionDays: 1 });
      const [series] = await newSeries(tenant);
      const minutes = Array.from({ length: 3 * ROWS_A_STEP }, (_, index) => NOW - 9 * DAY + index * 60_000);
      await addRollups(
        60_000,
        minutes.map((bucket) => [bucket, series!]),
      );
      const [read, rest, worked] = [
        vi.spyOn(SqlReader.prototype, 'timed'),
        vi.spyOn(RetentionPace.prototype, 'rest'),
        vi.spyOn(RetentionPace.prototype, 'worked'),
      ];
      await storage.retention.run(NOW);
      const orders = [...read.mock.invocationCallOrder];
      expect(orders.length).toBeGreaterThan(10);
      for (const [index, order] of orders.entries()) {
        const before = orders[index - 1] ?? 0;
        expect(rest.mock.invocationCallOrder.some((one) => one > before && one < order)).toBe(true);
      }
      expect(storage.retention.deleted).toEqual(new Map());
      expect(worked).toHaveBeenCalledTimes(orders.length);
    });

    it('does not rest for what it has waited in the queue', async () => {
      await addOldRollups(1);
      const now = performance.now.bind(performance);
      let held = 0;
      vi.spyOn(performance, 'now').mockImplementation(() => now() + held);
      const worked = vi.spyOn(RetentionPace.prototype, 'worked');
      const open = storage.transactor.hold();
      const run = storage.retention.run(NOW);
      await vi.waitFor(() => expect(storage.queue.queuedRows).toBe(ROWS_A_STEP), { interval: 1 });
      held = HOUR;
      open();
      await run;
      expect(storage.retention.deleted).toEqual(new Map([['metricast_rollup', 1]]));
      expect(Math.max(...worked.mock.calls.flat())).toBeLessThan(HOUR);
    });

    it('goes on with the others where one part fails, and tells of each that does', async () => {
      await addOldRollups(1);
      await addPoints((await newSeries(tenant))[0]!, NOW - 3 * DAY, NOW - 2 * DAY);
      await insert('metricast_recorded_id', ['tenant_id', 'kind', 'id', 'recorded_at'], [[tenant, 'k', 'a', 0]]);
      const error = vi.spyOn(Logger.prototype, 'error').mockReturnValue();
      const rows = storage.dataSource.query.bind(storage.dataSource);
      const failing = vi.spyOn(storage.dataSource, 'query').mockImplementation(async (sql, parameters) => {
        if (/metricast_(rollup|event)\b/.test(sql)) throw new Error('statement timeout');
        return rows(sql, parameters) as never;
      });
      await storage.retention.run(NOW);
      await storage.retention.run(NOW);
      failing.mockRestore();
      expect(error.mock.calls).toEqual([
        [expect.stringContaining('Rollups that are too old cannot be deleted now: Error: statement timeout')],
        [
          expect.stringContaining(
            'Rows of metricast_event that are too old cannot be deleted now: Error: statement timeout',
          ),
        ],
      ]);
      expect(storage.retention.deleted).toEqual(
        new Map([
          ['metricast_metric_point', 1],
          ['metricast_recorded_id', 1],
        ]),
      );
      await storage.retention.run(NOW);
      expect(await rollups()).toEqual([0]);
    });

    it('by a clock that is wrong deletes nothing, until it has been so for a day', async () => {
      const now = performance.now.bind(performance);
      let passed = 0;
      vi.spyOn(performance, 'now').mockImplementation(() => now() + passed);
      const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
      await storage.metrics.record(tenant, { channel: ORDERS, name: 'n', type: 'gauge', value: 1 });
      const left = () => numbersIn('SELECT COUNT(*) FROM metricast_metric_series');
      vi.setSystemTime(NOW + 800 * DAY);
      // What is recorded by the wrong clock makes it no better.
      await storage.retention.run();
      await storage.metrics.record(tenant, { channel: ORDERS, name: 'wrong', type: 'gauge', value: 1 });
      await storage.retention.run();
      expect([await rollups(), await left()]).toEqual([[10], [2]]);
      expect(warn.mock.calls).toEqual([[expect.stringContaining('The clock is 800 days ahead of what is known')]]);
      passed = DAY;
      vi.setSystemTime(NOW + 801 * DAY);
      await storage.retention.run();
      expect([await rollups(), await left()]).toEqual([[5], [1]]);
    });

    it('looks only where an index leads', async () => {
      const [series] = await newSeries(tenant, 2, 0);
      set(storage.tenants, newTenant(), { retentionDays: 7 });
      await addRollups(60_000, [[NOW - 20 * DAY, series!]]);
      await addRollups(HOUR, [[NOW - 800 * DAY, series!]]);
      await addPoints(series!, NOW - 3 * DAY, NOW - 2 * DAY);
      for (const id of ['a', 'b']) await storage.skills.record(tenant, { id, skill_name: 's', completed: true });
      const plans = await plansOf(storage, () => storage.retention.run(NOW + 31 * DAY));
      expectIndexed(plans, ['keyed', String.raw`\d+ CONSTANT ROWS`]);
      expect(plans.length).toBeGreaterThan(10);
    });

    it('that is asked for while another is under way is that one', async () => {
      await addOldRollups(1);
      await Promise.all([storage.retention.run(NOW), storage.retention.run(NOW)]);
      expect(storage.retention.deleted).toEqual(new Map([['metricast_rollup', 1]]));
      expect(await rollups()).toEqual([0]);
    });

    it('that fails is told of once, and the next one makes up for it', async () => {
      await addOldRollups(1);
      const error = vi.spyOn(Logger.prototype, 'error').mockReturnValue();
      const debug = vi.spyOn(Logger.prototype, 'debug').mockReturnValue();
      const write = vi.spyOn(storage.queue, 'write').mockRejectedValue(new Error('no room'));
      await storage.retention.run(NOW);
      await storage.retention.run(NOW);
      expect(error.mock.calls).toEqual([[expect.stringContaining('cannot be deleted now: Error: no room')]]);
      write.mockRestore();
      await storage.retention.run(NOW);
      expect(debug.mock.calls).toEqual([['1 rows of metricast_rollup were too old, and are deleted']]);
      expect(await rollups()).toEqual([0]);
    });

    it('ends where it is when the service ends', async () => {
      await addOldRollups(20 * ROWS_A_STEP);
      const retention = storage.newRetention();
      const error = vi.spyOn(Logger.prototype, 'error').mockReturnValue();
      const run = retention.run(NOW);
      await vi.waitFor(() => expect(retention.deleted.size).toBe(1), { interval: 1 });
      await retention.onModuleDestroy();
      await run;
      expect(error).not.toHaveBeenCalled();
      expect((await rollups())[0]).toBeGreaterThan(0);
    });
  });
}
