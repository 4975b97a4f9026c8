import fc from 'fast-check';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { ALL_FEATURES, NO_FILTER, type TenantId } from '../../../src/protocol/index.js';
import type { MetricInput } from '../../../src/recording/index.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NOTHING = { tasks: { pending: null, running: null, completed: null }, throughput: null };

/** The state of `distributed.metrics`: the instances of one database, and the tasks that hosts record. */
export function distributedContract(storage: () => Storage, another: () => Promise<Storage>): void {
  const now = Date.now();
  const collect = async (tenant: TenantId, timestamp = now) =>
    (await storage().distributed.collect({
      tenant,
      filter: NO_FILTER,
      features: ALL_FEATURES,
      timestamp,
    })) as unknown as State;
  const tasksOf = async (tenant: TenantId, timestamp?: number) => {
    const { tasks, throughput } = await collect(tenant, timestamp);
    return { tasks, throughput };
  };
  /** Records values of hosts, by their ages in milliseconds. */
  const recorded = async (tenant: TenantId, ...values: RecordedValue[]) => {
    const result = await storage().metrics.record(tenant, values.map(inputOf(now)));
    expect(result.rejected).toEqual([]);
  };

  it('knows nothing of tasks where nothing was recorded', async () => {
    expect(await tasksOf(newTenant())).toEqual(NOTHING);
  });

  it('sums the newest values of all hosts', async () => {
    const tenant = newTenant();
    await recorded(
      tenant,
      { name: 'tasks.pending', host: 'a', value: 9, age: 30 * SECOND },
      { name: 'tasks.pending', host: 'a', value: 5, age: 10 * SECOND },
      { name: 'tasks.pending', host: 'a', value: 7, age: 20 * SECOND },
      { name: 'tasks.pending', host: 'b', value: 20, age: SECOND },
      { name: 'tasks.running', host: 'a', value: 3, age: 0 },
      { name: 'tasks.completed', host: 'a', value: 1000, age: 40 * SECOND },
      { name: 'tasks.completed', host: 'a', value: 1090, age: 10 * SECOND },
      { name: 'tasks.completed', host: 'b', value: 7, age: 10 * SECOND },
    );

    expect(await tasksOf(tenant)).toEqual({ tasks: { pending: 25, running: 3, completed: 1097 }, throughput: 1.5 });
  });

  it('of two values of one instant takes the one that came last', async () => {
    const tenant = newTenant();
    await recorded(
      tenant,
      ...[4, 2, 3].map((value) => ({ name: 'tasks.pending', value, age: 0 }) as const),
      ...[100, 160].map((value) => ({ name: 'tasks.completed', value, age: 0 }) as const),
    );

    expect(await tasksOf(tenant)).toEqual({ tasks: { pending: 3, running: null, completed: 160 }, throughput: 1 });
  });

  it('takes a gauge of 5 minutes ago for one of a host that is gone, and a counter never', async () => {
    const tenant = newTenant();
    await recorded(
      tenant,
      { name: 'tasks.pending', host: 'gone', value: 5, age: 5 * MINUTE },
      { name: 'tasks.pending', host: 'late', value: 7, age: 5 * MINUTE - 1 },
      { name: 'tasks.running', host: 'gone', value: 5, age: HOUR },
      { name: 'tasks.completed', host: 'gone', value: 5, age: 1000 * HOUR },
    );

    expect(await tasksOf(tenant)).toEqual({ tasks: { pending: 7, running: null, completed: 5 }, throughput: 0 });
  });

  it('has nothing to do with other channels, names and types', async () => {
    const tenant = newTenant();
    const strangers: Partial<MetricInput>[] = [
      { channel: 'other.metrics', name: 'tasks.pending', type: 'gauge' },
      { name: 'tasks', type: 'gauge' },
      { name: 'tasks.pending', type: 'counter' },
      { name: 'tasks.running', type: 'histogram' },
      { name: 'tasks.completed', type: 'gauge' },
    ];
    await storage().metrics.record(
      tenant,
      strangers.map((one) => ({ channel: 'distributed.metrics', name: '', type: 'gauge', value: 1, ...one })),
    );

    expect(await tasksOf(tenant)).toEqual(NOTHING);
  });

  it('shows a tenant no tasks of another', async () => {
    const [one, other] = [newTenant(), newTenant()];
    await recorded(one, { name: 'tasks.completed', value: 1, age: 0 });

    expect(await tasksOf(other)).toEqual(NOTHING);
  });

  it.each([
    {
      counts: 'from the value before the minute',
      values: [
        [90, 100],
        [30, 160],
      ],
      perSecond: 1,
    },
    {
      counts: 'from a value of long ago',
      values: [
        [24 * 3600, 100],
        [30, 160],
      ],
      perSecond: 1,
    },
    {
      counts: 'only what the minute brought',
      values: [
        [90, 40],
        [60, 100],
        [59.999, 130],
        [0, 160],
      ],
      perSecond: 1,
    },
    {
      counts: 'a fall as a restart from zero',
      values: [
        [90, 100],
        [30, 130],
        [20, 12],
        [10, 30],
      ],
      perSecond: 1,
    },
    {
      counts: 'a fall with the first value, too',
      values: [
        [90, 100],
        [30, 60],
      ],
      perSecond: 1,
    },
    {
      counts: 'nothing where the minute is silent',
      values: [
        [90, 100],
        [61, 160],
      ],
      perSecond: 0,
    },
    {
      counts: 'nothing of the very first value',
      values: [
        [30, 500],
        [20, 560],
      ],
      perSecond: 1,
    },
    {
      counts: 'nothing of what is still to come',
      values: [
        [30, 100],
        [20, 160],
        [-20, 1000],
      ],
      perSecond: 1,
    },
    {
      counts: 'to 6 decimals',
      values: [
        [30, 0],
        [20, 1],
      ],
      perSecond: 0.016667,
    },
    {
      counts: 'no value that is no count',
      values: [
        [30, 100],
        [25, -1e308],
        [20, 1.7e308],
        [10, 160],
      ],
      perSecond: 1,
    },
  ])('throughput counts $counts', async ({ values, perSecond }) => {
    const tenant = newTenant();
    await recorded(
      tenant,
      ...values.map(([age, value]) => ({ name: 'tasks.completed', value: value!, age: age! * SECOND }) as const),
    );

    expect(await tasksOf(tenant)).toMatchObject({ throughput: perSecond });
  });

  it('throughput is the sum over all hosts, whenever they recorded and however often they restarted', async () => {
    const point = fc.record({
      host: fc.constantFrom('a', 'b'),
      age: fc.oneof(fc.constantFrom(0, 59_999, 60_000, 60_001), fc.integer({ min: -10_000, max: 150_000 })),
      value: fc.nat(50),
    });
    const property = fc.asyncProperty(fc.array(point, { minLength: 1 }), async (points) => {
      const tenant = newTenant();
      await recorded(tenant, ...points.map((one) => ({ name: 'tasks.completed', ...one }) as const));

      expect((await tasksOf(tenant)).throughput).toBeCloseTo(naiveThroughput(points), 6);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('survives values beyond all counting', async () => {
    const tenant = newTenant();
    const values = [-1.7e308, 1.7e308, -1.7e308, 1.7e308];
    for (const host of ['a', 'b']) {
      const huge = values.map((value, index) => ({ name: 'tasks.completed', host, value, age: 40 - index }) as const);
      await recorded(tenant, ...huge, { name: 'tasks.pending', host, value: 1.7e308, age: 0 });
    }

    const state = JSON.parse(JSON.stringify(await tasksOf(tenant))) as unknown;
    expect(state).toEqual({ tasks: { pending: null, running: null, completed: null }, throughput: 0 });
  });

  it('is read by the index, each series by its newest points', async () => {
    const tenant = newTenant();
    for (const of of [tenant, newTenant(), newTenant()]) {
      const values = Array.from({ length: 2000 }, (_, index) => ({
        name: (['tasks.pending', 'tasks.running', 'tasks.completed'] as const)[index % 3]!,
        host: `host ${index % 5}`,
        value: index,
        age: index * 10 * SECOND,
      }));
      await recorded(of, ...values);
    }
    await storage().rows('ANALYZE');

    const plans = await plansOf(storage(), () => collect(tenant));

    expect(plans).toHaveLength(4);
    expectIndexed(plans, ['step']);
    for (const plan of plans.filter((one) => one.includes('metricast_metric_point'))) {
      // Every access to points is one by series and time.
      const accesses = plan.match(/metric_point_series_time/g);
      const points = plan.match(/(FROM|JOIN) "?metricast_metric_point/g);
      expect(accesses).toHaveLength(points!.length);
      expect(plan).not.toMatch(/Index Cond: \(series_id = series.series_id\)$/m);
      expect(plan).not.toMatch(/series_time \(series_id=\?\)/);
    }
  });

  const instances: Storage[] = [];
  const start = async () => {
    const instance = await another();
    instances.push(instance);
    await instance.instances.onApplicationBootstrap();
    return instance;
  };
  const stop = async (instance: Storage) => {
    instances.splice(instances.indexOf(instance), 1);
    instance.instances.onModuleDestroy();
    await instance.close();
  };
  const nodes = async (later = 0) => (await collect(newTenant(), Date.now() + later)).nodes;
  afterEach(async () => {
    for (const instance of [...instances]) await stop(instance);
  });

  it('counts the instances that share the database, from their start to their end', async () => {
    expect(await nodes()).toEqual({ active: 0, total: 0 });
    const one = await start();
    expect(await nodes()).toEqual({ active: 1, total: 1 });
    await start();
    expect(await nodes()).toEqual({ active: 2, total: 2 });
    await stop(one);
    expect(await nodes()).toEqual({ active: 1, total: 1 });
  });

  it('takes an instance that was not seen for 15 seconds for inactive, and after a day for forgotten', async () => {
    await start();
    const [row] = await storage().rows('SELECT seen_at FROM metricast_instance');
    const seenAt = Number(row!['seen_at']);
    const nodesAfter = async (age: number) => (await collect(newTenant(), seenAt + age)).nodes;

    expect(await nodesAfter(15 * SECOND - 1)).toEqual({ active: 1, total: 1 });
    expect(await nodesAfter(15 * SECOND)).toEqual({ active: 0, total: 1 });
    expect(await nodesAfter(24 * HOUR - 1)).toEqual({ active: 0, total: 1 });
    expect(await nodesAfter(24 * HOUR)).toEqual({ active: 0, total: 0 });
  });

  it('an instance says every 5 seconds that it runs', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    await start();
    const seen = async () => {
      await instances[0]!.queue.drain();
      const rows = await storage().rows('SELECT started_at, seen_at FROM metricast_instance');
      return rows.map((row) => Number(row['seen_at']) - Number(row['started_at']));
    };
    const [first] = await seen();
    vi.advanceTimersByTime(4999);
    expect(await seen()).toEqual([first]);
    vi.advanceTimersByTime(1);
    expect(await seen()).toEqual([first! + 5000]);
    vi.advanceTimersByTime(60_000);
    expect(await seen()).toEqual([first! + 65_000]);
  });

  it('an instance that ends while it says that it runs does not come back', async () => {
    const one = await start();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    one.instances.onModuleDestroy();
    await one.instances.onApplicationBootstrap();
    const release = one.transactor.hold();
    vi.advanceTimersByTime(5000);
    const stopped = stop(one);
    release();
    await stopped;

    expect(await storage().rows('SELECT instance_id FROM metricast_instance')).toEqual([]);
  });

  it('what an instance that was killed left behind goes when another starts, a day later', async () => {
    const day = 24 * HOUR;
    for (const [id, age] of [
      ['long gone', day + MINUTE],
      ['killed', day - MINUTE],
    ] as const) {
      await storage().rows('INSERT INTO metricast_instance (instance_id, started_at, seen_at) VALUES ($1, $2, $3)', [
        id,
        Date.now() - age,
        Date.now() - age,
      ]);
    }
    onTestFinished(async () => void (await storage().rows('DELETE FROM metricast_instance')));
    await start();

    const rows = await storage().rows('SELECT instance_id FROM metricast_instance ORDER BY seen_at');
    expect(rows).toHaveLength(2);
    expect(rows[0]).toEqual({ instance_id: 'killed' });
    expect(await nodes()).toEqual({ active: 1, total: 2 });
  });

  it('rows of instances are found by the index', async () => {
    const { instances: registry, queue } = storage();
    const plans = await plansOf(storage(), async () => {
      await registry.onApplicationBootstrap();
      registry.onModuleDestroy();
      await queue.drain();
    });

    expect(plans).toHaveLength(2);
    expectIndexed(plans);
  });

  it('an instance starts even where it cannot be written down', async () => {
    await storage().rows('ALTER TABLE metricast_instance RENAME TO hidden');
    await start();
    await storage().rows('ALTER TABLE hidden RENAME TO metricast_instance');

    expect(await nodes()).toEqual({ active: 0, total: 0 });
  });
}

interface State {
  readonly nodes: Readonly<Record<'active' | 'total', number>>;
  readonly tasks: Readonly<Record<'pending' | 'running' | 'completed', number | null>>;
  readonly throughput: number | null;
}

interface RecordedValue {
  readonly name: 'tasks.pending' | 'tasks.running' | 'tasks.completed';
  readonly host?: string;
  readonly value: number;
  /** Milliseconds. */
  readonly age: number;
}

function inputOf(now: number): (recorded: RecordedValue) => MetricInput {
  return ({ name, host = 'a', value, age }) => ({
    channel: 'distributed.metrics',
    name,
    type: name === 'tasks.completed' ? 'counter' : 'gauge',
    value,
    tags: { host },
    timestamp: (now - age) / 1000,
  });
}

/** Goes through all the points of each host, one by one. */
function naiveThroughput(points: readonly { host: string; age: number; value: number }[]): number {
  let increase = 0;
  for (const host of new Set(points.map((one) => one.host))) {
    const own = points.filter((one) => one.host === host).sort((one, other) => other.age - one.age);
    own.forEach(({ age, value }, index) => {
      if (index === 0 || age < 0 || age >= 60_000) return;
      const previous = own[index - 1]!.value;
      increase += value < previous ? value : value - previous;
    });
  }
  return increase / 60;
}
