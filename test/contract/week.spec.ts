import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SampleType, Sketch, type Summary } from '../../src/protocol/index.js';
import type { MetricInput } from '../../src/recording/index.js';
import { LEVELS } from '../../src/store/index.js';
import { DATABASES, type DatabaseKind, type TestDatabase } from '../support/databases.js';
import { isWithin, lowerQuantile } from '../support/quantiles.js';
import { SeededRandom } from '../support/seeded-random.js';
import { set } from '../support/settings.js';
import { type Storage, openStorage } from '../support/storage.js';

const CHANNEL = 'week.metrics';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A Monday. On the Sunday after it the clocks of Berlin go forward by an hour. */
const START = Date.UTC(2026, 2, 23);
const END = START + 7 * DAY;
/** The usual retention, and one that cuts off the coarser levels, too. */
const TENANTS = [
  { tenant: 'usual', retentionDays: null },
  { tenant: 'shorter', retentionDays: 3 },
] as const;
const TYPES: readonly SampleType[] = ['gauge', 'counter', 'histogram'];

interface Point {
  readonly type: SampleType;
  readonly timestamp: number;
  readonly value: number;
}

/** What comes in within a week, in the order in which it does: most of it on time, some hours late, some twice. */
class Week {
  readonly #random = new SeededRandom(20260323);
  readonly #held: { readonly point: Point; readonly until: number }[] = [];
  #total = 0;

  constructor(private readonly spacing: number) {}

  /** What comes in within an hour. */
  *hour(begin: number): Iterable<Point> {
    for (let at = begin; at < begin + HOUR; at += this.spacing) {
      for (const type of TYPES) yield* this.#arriving(this.#point(type, at + this.#random.below(1000)), begin);
    }
    for (const { point, until } of this.#held) if (until === begin) yield point;
  }

  /** A point, unless it comes later; now and then twice. */
  *#arriving(point: Point, begin: number): Iterable<Point> {
    const chance = this.#random.below(100);
    // A counter's not after its neighbours are gone: by how much it grew would be anybody's guess.
    const longest = point.type === 'counter' ? 3 : 30;
    if (chance < 3) this.#held.push({ point, until: begin + (1 + this.#random.below(longest)) * HOUR });
    else yield point;
    if (chance === 3) yield { ...point };
  }

  #point(type: SampleType, timestamp: number): Point {
    // Quarters add up exactly, in whatever order.
    if (type === 'gauge') return { type, timestamp, value: (this.#random.below(8000) - 4000) / 4 };
    if (type === 'histogram') return { type, timestamp, value: (1 + this.#random.below(4000)) / 4 };
    this.#total = this.#random.below(200) === 0 ? this.#random.below(3) : this.#total + this.#random.below(20) / 4;
    return { type, timestamp, value: this.#total };
  }
}

/** The points in the order of time, of one instant in that of their arrival; of a counter, by how much it grew. */
function inOrder(points: readonly Point[]) {
  let before: Point | undefined;
  return [...points]
    .sort((one, other) => one.timestamp - other.timestamp)
    .map((point) => {
      const hasGrown = before !== undefined && point.value >= before.value;
      const increase = point.type === 'counter' ? point.value - (hasGrown ? before!.value : 0) : null;
      before = point;
      return { ...point, increase };
    });
}

/** The windows that points fall into, by their start. */
function windowsOf(points: ReturnType<typeof inOrder>, length: number) {
  const windows = new Map<number, ReturnType<typeof inOrder>>();
  for (const point of points) {
    const start = Math.floor(point.timestamp / length) * length;
    const within = windows.get(start);
    if (within) within.push(point);
    else windows.set(start, [point]);
  }
  return [...windows].map(([bucket, within]) => {
    const values = within.map(({ value }) => value);
    const sum = values.reduce((all, value) => all + value, 0);
    const increase = within.reduce((all, one) => all + (one.increase ?? 0), 0);
    const last = within.at(-1)!;
    const row = [
      bucket,
      values.length,
      sum,
      Math.min(...values),
      Math.max(...values),
      last.value,
      last.timestamp,
      increase,
    ];
    return { bucket, row, values };
  });
}

interface Of {
  readonly tenant: string;
  readonly type: SampleType;
  /** A condition. */
  readonly resolution?: string;
}

describe.each([
  ['SQLite', 30_000],
  ['PostgreSQL', 600_000],
] as [DatabaseKind, number][])('a week of points on %s', (kind, spacing) => {
  const timeZone = process.env.TZ;
  let database: TestDatabase;
  let storage: Storage;

  const open = async () => {
    storage = await openStorage(database.url);
    for (const { tenant, retentionDays } of TENANTS) set(storage.tenants, tenant, { retentionDays });
  };

  beforeEach(async () => {
    process.env.TZ = 'Europe/Berlin';
    vi.useFakeTimers({ toFake: ['Date'], now: START });
    database = await DATABASES[kind]();
    await open();
  });

  afterEach(async () => {
    if (timeZone === undefined) delete process.env.TZ;
    else process.env.TZ = timeZone;
    vi.useRealTimers();
    await storage.close();
    await database.drop();
  });

  /** The rows of a table that are of a series, with all numbers read as such. */
  const rowsOf = async (columns: string, table: string, { tenant, type, resolution = '1 = 1' }: Of) => {
    const rows = await storage.rows(
      `SELECT ${columns} FROM ${table} kept
       JOIN metricast_metric_series series ON series.series_id = kept.series_id
       WHERE tenant_id = $1 AND name = $2 AND ${resolution} ORDER BY 1, 2`,
      [tenant, type],
    );
    const read = (value: unknown) => (value === null ? null : Number(value));
    return rows.map(({ sketch, ...row }) => ({
      ...Object.fromEntries(Object.entries(row).map(([name, value]) => [name, read(value)])),
      ...(typeof sketch === 'string' && { sketch }),
    })) as Record<string, number>[];
  };

  const expectPoints = async (of: Of, points: ReturnType<typeof inOrder>, since: number) => {
    const kept = await rowsOf('timestamp, point_id, value, increase', 'metricast_metric_point', of);
    const expected = points.filter(({ timestamp }) => timestamp >= since);
    expect(kept.map(({ timestamp, value, increase }) => ({ type: of.type, timestamp, value, increase }))).toEqual(
      expected,
    );
  };

  const expectWindows = async (of: Of, windows: ReturnType<typeof windowsOf>, length: number, since: number) => {
    const kept = await rowsOf('bucket, count, sum, min, max, last, last_at, increase, sketch', 'metricast_rollup', {
      ...of,
      resolution: `resolution = ${length / 1000}`,
    });
    const expected = windows.filter(({ bucket }) => bucket + length > since);
    const columns = ['bucket', 'count', 'sum', 'min', 'max', 'last', 'last_at', 'increase'];
    expect(kept.map((row) => columns.map((column) => row[column]))).toEqual(expected.map(({ row }) => row));
    if (of.type !== 'histogram') return;
    const wrong = kept.filter(({ sketch, ...row }, index) => {
      const found = Sketch.decode(String(sketch)).quantiles(row as unknown as Summary);
      const exactly = (share: number) => lowerQuantile(expected[index]!.values, share);
      return (
        [
          [found.p50, 0.5],
          [found.p95, 0.95],
          [found.p99, 0.99],
        ] as const
      ).some(([quantile, share]) => !isWithin(0.01, exactly(share))(quantile));
    });
    expect(wrong).toEqual([]);
  };

  const expectKept = async (arrived: readonly Point[], now: number) => {
    for (const type of TYPES) {
      const points = inOrder(arrived.filter((point) => point.type === type));
      for (const { length, keptFor } of LEVELS) {
        const windows = length > 0 ? windowsOf(points, length) : [];
        for (const { tenant, retentionDays } of TENANTS) {
          const since = now - Math.min(keptFor, (retentionDays ?? Infinity) * DAY);
          if (length === 0) await expectPoints({ tenant, type }, points, since);
          else await expectWindows({ tenant, type }, windows, length, since);
        }
      }
    }
  };

  it('is kept in each level as long as that says and no longer, in windows of UTC, across restarts and the change of the clocks', async () => {
    const [offsetBefore, offsetAfter] = [START, END].map((at) => new Date(at).getTimezoneOffset());
    expect([offsetBefore, offsetAfter]).toEqual([-60, -120]);
    const week = new Week(spacing);
    const arrived: Point[] = [];
    for (let hour = START; hour < END; hour += HOUR) {
      vi.setSystemTime(hour + HOUR);
      const points = [...week.hour(hour)];
      arrived.push(...points);
      const inputs = points.map(({ type, timestamp, value }): MetricInput => {
        return { channel: CHANNEL, name: type, type, value, timestamp: new Date(timestamp).toISOString() };
      });
      for (const { tenant } of TENANTS) {
        expect(await storage.metrics.record(tenant, inputs)).toEqual({ accepted: inputs.length, rejected: [] });
      }
      await storage.retention.run();
      if ((hour + HOUR) % DAY !== 0) continue;
      await storage.close();
      await open();
    }
    await storage.retention.run();
    await expectKept(arrived, END);
    expect(arrived.length).toBeGreaterThan((TYPES.length * 7 * DAY) / spacing);
  }, 120_000);
});
