import fc from 'fast-check';
import { expect, it } from 'vitest';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import type { Storage } from '../../support/storage.js';

let sources = 0;

/** The counters of upstream services, as they are stored from one answer to the next. */
export function upstreamCountersContract(storage: () => Storage, another: () => Promise<Storage>): void {
  /** A source that no other test knows. */
  const newSource = () => `source ${++sources}`;
  let now = 0;
  const answered = (stats: object) => {
    now += 1000;
    return { stats: stats as Record<string, unknown>, askedAt: now, answeredAt: now + 10 };
  };
  const record = (source: string, stats: object, by = storage()) => by.upstreamCounters.record(source, answered(stats));
  const stored = async (source: string) => {
    const rows = await storage().rows(
      `SELECT name, value, delta, polled_at FROM metricast_upstream_counter WHERE source = $1
       ORDER BY polled_at, name`,
      [source],
    );
    return rows.map(({ name, value, delta }) => [name, Number(value), Number(delta)]);
  };

  it('a first value is its own increase, a larger one adds what it is larger by, and a smaller one began again', async () => {
    const source = newSource();
    for (const total of [100, 100, 130, 7, 7, 9, 0, 0, 5]) await record(source, { total });

    expect(await stored(source)).toEqual([
      ['total', 100, 100],
      ['total', 130, 30],
      ['total', 7, 7],
      ['total', 9, 2],
      ['total', 0, 0],
      ['total', 5, 5],
    ]);
  });

  it('deltas are what a counter really grew by, whatever its service does, and whichever instance sees it', async () => {
    const steps = fc.array(
      fc.record({
        grow: fc.oneof(fc.nat(3), fc.nat(1_000_000_000_000)),
        restart: fc.boolean(),
        isSeen: fc.boolean(),
        byAnother: fc.boolean(),
      }),
      { maxLength: 25 },
    );
    const other = await another();
    const property = fc.asyncProperty(steps, async (run) => {
      const source = newSource();
      let [value, grown, last] = [0, 0, undefined as number | undefined];
      for (const { grow, restart, isSeen, byAnother } of run) {
        value = restart ? grow : value + grow;
        if (!isSeen) continue;
        await record(source, { total: value }, byAnother ? other : storage());
        // What is to be seen of it: a restart shows only where the value is smaller than the last one that was seen.
        grown += last !== undefined && value >= last ? value - last : value;
        last = value;
      }

      const rows = await stored(source);
      expect(rows.reduce((sum, [, , delta]) => sum + (delta as number), 0)).toBe(grown);
      expect(rows.map(([, , delta]) => delta)).toSatisfy((deltas: number[]) => deltas.every((delta) => delta >= 0));
      const values = rows.map(([, one]) => one);
      expect(values).toEqual(values.filter((one, index) => index === 0 || one !== values[index - 1]));
      expect(values.at(-1)).toBe(last);
    });
    await fc.assert(property, { numRuns: 40 });
    await other.close();
  });

  it('counters are the whole numbers at any depth, by their path; rates and whatever else is not are left out', async () => {
    const source = newSource();
    await record(source, {
      status: 'ok',
      up: true,
      nothing: null,
      list: [1, 2, { n: 3 }],
      total: 1,
      below: -1,
      fraction: 0.5,
      endless: Number.POSITIVE_INFINITY,
      huge: 1e16,
      cache_hit_rate: 1,
      hitRate: 1,
      'load-percent': 100,
      generate: 4,
      mlx_metrics: { total_embeddings: 5, deep: { er: 6 }, compression_ratio: 1 },
      'mlx_metrics.total_embeddings': 7,
      'a\u0000b': 8,
      '\ud800': 9,
      ['x'.repeat(201)]: 10,
      ['__proto__']: 11,
      constructor: 12,
    });

    expect(await stored(source)).toEqual([
      ['__proto__', 11, 11],
      ['constructor', 12, 12],
      ['generate', 4, 4],
      ['mlx_metrics.deep.er', 6, 6],
      ['mlx_metrics.total_embeddings', 5, 5],
      ['total', 1, 1],
    ]);
  });

  it('of a service that has more than 64 the first 64 are stored', async () => {
    const source = newSource();
    const stats = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`n${199 - index}`, index + 1]));
    await record(source, stats);
    await record(source, { ...stats, n199: 100 });

    const rows = await stored(source);
    expect(rows).toHaveLength(65);
    expect(new Set(rows.map(([name]) => name))).toEqual(new Set(Object.keys(stats).slice(0, 64)));
    expect(rows.at(-1)).toEqual(['n199', 100, 99]);
  });

  it('of an answer without counters nothing is stored', async () => {
    const source = newSource();
    await record(source, {});
    await record(source, { rate: 0.5 });

    expect(await stored(source)).toEqual([]);
  });

  it('one that was away for an answer goes on where it was', async () => {
    const source = newSource();
    await record(source, { a: 1, b: 1 });
    await record(source, { b: 2 });
    await record(source, { a: 5, b: 2 });

    expect(await stored(source)).toEqual([
      ['a', 1, 1],
      ['b', 1, 1],
      ['b', 2, 1],
      ['a', 5, 4],
    ]);
  });

  it('an answer that was given while another was, counts as neither newer nor a reset', async () => {
    const source = newSource();
    const { upstreamCounters } = storage();
    await upstreamCounters.record(source, { stats: { total: 12 }, askedAt: 1000, answeredAt: 1500 });
    await upstreamCounters.record(source, { stats: { total: 10 }, askedAt: 1400, answeredAt: 1600 });
    expect(await stored(source)).toEqual([['total', 12, 12]]);

    await upstreamCounters.record(source, { stats: { total: 13 }, askedAt: 1500, answeredAt: 1700 });
    expect(await stored(source)).toEqual([
      ['total', 12, 12],
      ['total', 13, 1],
    ]);
  });

  it('a change that two instances see at once is stored once', async () => {
    const source = newSource();
    const other = await another();
    for (let total = 10; total <= 100; total += 10) {
      const answer = answered({ total, n: total });
      await Promise.all([storage(), other].map((by) => by.upstreamCounters.record(source, answer)));
    }
    await other.close();

    const rows = await stored(source);
    expect(rows.filter(([name]) => name === 'total')).toEqual(
      Array.from({ length: 10 }, (_, index) => ['total', 10 * (index + 1), 10]),
    );
  });

  it('a change that could not be stored is stored with a later answer', async () => {
    const source = newSource();
    await record(source, { total: 1 });
    const { dataSource } = storage();
    await dataSource.query('ALTER TABLE metricast_upstream_counter RENAME TO hidden');
    await expect(record(source, { total: 5 })).rejects.toMatchObject({ code: 'busy' });
    await dataSource.query('ALTER TABLE hidden RENAME TO metricast_upstream_counter');
    await record(source, { total: 6 });

    expect(await stored(source)).toEqual([
      ['total', 1, 1],
      ['total', 6, 5],
    ]);
  });

  it('the newest values are found by the key, however many there are', async () => {
    const source = newSource();
    const names = Array.from({ length: 64 }, (_, index) => `n${index}`);
    for (let value = 1; value <= 50; value++) {
      await record(source, Object.fromEntries(names.map((name) => [name, value])));
    }
    await storage().rows('ANALYZE');

    const plans = await plansOf(storage(), () => record(source, Object.fromEntries(names.map((name) => [name, 51]))));

    expect(plans).toHaveLength(1);
    expectIndexed(plans, ['latest', '\\(subquery-\\d+']);
    expect(plans[0]).not.toMatch(/sort|temp b-tree/i);
  });
}
