import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { INTERVALS, INTERVAL_NAMES, type Interval, type Sample, windowStart } from '../../../src/protocol/index.js';
import type { MetricInput } from '../../../src/recording/index.js';
import type { HistoryPageInput } from '../../../src/store/index.js';
import { type Storage, newTenant } from '../../support/storage.js';
import { type Point, collected, naiveHistory, orderOf, shown } from './history.oracle.js';

const CHANNEL = 'orders.metrics';
const MINUTE = 60_000;

/** A channel's history, in pages or in one go, is what a reader of all points would make of them. */
export function historyContract(storage: () => Storage): void {
  const record = (tenant: string, points: readonly Point[]) =>
    storage().metrics.record(
      tenant,
      points.map(({ timestamp, ...point }): MetricInput => ({
        channel: CHANNEL,
        ...point,
        timestamp: timestamp / 1000,
      })),
    );
  const values = async (tenant: string, input: Omit<HistoryPageInput, 'channel'>) =>
    collected(storage().metricsHistory.values(tenant, { channel: CHANNEL, ...input })) as Promise<Sample[]>;
  /** All pages, each of what the one before left; in between something is done. */
  const pages = async (
    tenant: string,
    input: Omit<HistoryPageInput, 'channel'>,
    limits: readonly number[],
    meanwhile?: () => Promise<unknown>,
  ) => {
    const all: Sample[][] = [];
    for (let cursor: string | null = null, no = 0; no === 0 || cursor; no++) {
      const query = { channel: CHANNEL, ...input, limit: limits[no % limits.length]!, ...(cursor && { cursor }) };
      const page = await storage().metricsHistory.page(tenant, query);
      all.push(page.messages as Sample[]);
      expect(page.messages.length).toBeLessThanOrEqual(query.limit);
      if (page.nextCursor !== null) expect(page.messages).toHaveLength(query.limit);
      cursor = page.nextCursor;
      await meanwhile?.();
    }
    return all;
  };

  it('is what all the points come to, at every resolution, with whatever limits it is read', async () => {
    const base = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 10 * 3_600_000;
    const point = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      tags: fc.constantFrom<Record<string, string>[]>({}, { shop: 'north' }, { env: 'x', shop: 'south' }),
      // Many at one instant, some close together, some hours apart.
      timestamp: fc
        .oneof(fc.nat(20), fc.nat(10 * 1000), fc.nat(10 * MINUTE), fc.nat(9 * 60 * MINUTE))
        .map((after) => base + after),
      value: fc.oneof(fc.nat(100), fc.double({ min: 0.001, max: 1e6, noNaN: true })),
    });
    const types = { a: 'gauge', b: 'counter', c: 'histogram' } as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(point, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
        fc.record({
          start: fc.nat(10 * 60 * MINUTE),
          length: fc.nat(10 * 60 * MINUTE),
          name: fc.constantFrom(undefined, undefined, 'a', 'b', 'nobody'),
          tags: fc.constantFrom<HistoryPageInput['tags'][]>(
            undefined,
            { shop: 'north' },
            { shop: ['north', 'south'] },
            { env: 'x' },
            { env: 'y' },
          ),
        }),
        fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 3 }),
        async (commits, { start, length, name, tags }, limits) => {
          const tenant = newTenant();
          const points: Point[] = commits.flat().map((one) => ({ ...one, type: types[one.name as 'a'] }));
          let done = 0;
          for (const { length: size } of commits) await record(tenant, points.slice(done, (done += size)));
          for (const interval of [undefined, ...INTERVAL_NAMES]) {
            const [from, to] = [base + start, base + start + length];
            const expected = naiveHistory(points, { start: from, end: to, name, tags, interval });
            const input = {
              start_time: from / 1000,
              end_time: to / 1000,
              ...(name && { name }),
              ...(tags && { tags }),
              ...(interval && { aggregation_interval: interval }),
            };
            const inOneGo = await values(tenant, input);
            const inPages = (await pages(tenant, input, limits)).flat();
            expect(inPages).toEqual(inOneGo);
            expect(orderOf(inOneGo)).toEqual(orderOf(inOneGo).toSorted((one, other) => one - other));
            expectSame(inOneGo, expected);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each<Interval | 'raw'>(['raw', '1s', '1m'])(
    'in pages of %s, nothing comes twice and nothing is missing while others record',
    async (resolution) => {
      const tenant = newTenant();
      const now = Date.now();
      const at = (index: number): Point => ({
        name: `n${index % 7}`,
        type: 'gauge',
        value: index,
        timestamp: now - ((index * 7919) % (30 * MINUTE)),
        tags: {},
      });
      const before = Array.from({ length: 600 }, (_, index) => at(index));
      await record(tenant, before);
      const interval = resolution === 'raw' ? undefined : resolution;
      const keyOf = ({ name, timestamp, value }: Pick<Point, 'name' | 'timestamp' | 'value'>) =>
        interval ? `${name} ${windowStart(timestamp, INTERVALS[interval])}` : `${name} ${timestamp} ${value}`;
      let recorded = 600;
      const input = { start_time: 0, ...(interval && { aggregation_interval: interval }) };
      const read = await pages(tenant, input, [17, 3, 80], () =>
        record(
          tenant,
          Array.from({ length: 20 }, () => at(recorded++)),
        ),
      );

      const keys = read.flat().map(keyOf);
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys).toEqual(expect.arrayContaining(before.map(keyOf)));
    },
  );

  it('ends where it was now when the first page was read', async () => {
    const tenant = newTenant();
    const at = (value: number, ago: number): Point => ({
      name: 'n',
      type: 'gauge',
      value,
      timestamp: Date.now() - ago,
      tags: {},
    });
    await record(tenant, [at(1, 5000), at(2, 4000), at(3, 3000), at(4, -60_000)]);
    const first = await storage().metricsHistory.page(tenant, { channel: CHANNEL, start_time: 0, limit: 2 });
    vi.useFakeTimers({ now: Date.now() + 10 * MINUTE, toFake: ['Date'] });
    const second = await storage()
      .metricsHistory.page(tenant, { channel: CHANNEL, start_time: 0, limit: 2, cursor: first.nextCursor! })
      .finally(() => vi.useRealTimers());

    expect([...first.messages, ...second.messages].map((message) => (message as Sample).value)).toEqual([1, 2, 3]);
    expect(second.nextCursor).toBeNull();
  });

  it('more values of one instant than are read at once come all, and each once', async () => {
    const tenant = newTenant();
    const timestamp = Date.now() - MINUTE;
    const points = Array.from({ length: 7000 }, (_, value): Point => ({
      name: `n${value % 3}`,
      type: 'gauge',
      value,
      timestamp,
      tags: {},
    }));
    await record(tenant, points);
    await record(tenant, [
      { ...points[0]!, value: -1, timestamp: timestamp + 1 },
      { ...points[0]!, value: -2, timestamp: timestamp - 1 },
    ]);
    const ascending = (samples: readonly Sample[]) =>
      samples.map(({ value }) => value).sort((one, other) => one - other);
    const expected = Array.from({ length: 7002 }, (_, index) => index - 2);

    const read = await values(tenant, { start_time: 0 });
    expect(read.at(0)?.value).toBe(-2);
    expect(read.at(-1)?.value).toBe(-1);
    expect(ascending(read)).toEqual(expected);
    expect((await pages(tenant, { start_time: 0 }, [1500, 999, 2500])).flat()).toEqual(read);
    expect((await pages(tenant, { start_time: 0, name: 'n1' }, [999])).flat()).toHaveLength(2333);
  });

  it.each([
    [undefined, 60 * MINUTE, 23],
    ['1s', 60 * MINUTE, 47],
    ['5m', 24 * 60 * MINUTE, 89],
    ['1h', 24 * 60 * MINUTE, 401],
  ] as const)(
    'of more series than one statement names, and with long times of nothing, all comes in order as %s',
    async (interval, unit, longest) => {
      const tenant = newTenant();
      const now = Date.now();
      const points = [0, 3, longest - 1, longest].flatMap((units) =>
        Array.from({ length: 1100 }, (_, index): Point => ({
          name: `n${index}`,
          type: 'counter',
          value: 1000 - units,
          timestamp: now - units * unit - (index % 50) * 1000,
          tags: {},
        })),
      );
      await record(tenant, points);
      const read = await values(tenant, { start_time: 0, ...(interval && { aggregation_interval: interval }) });
      expect(orderOf(read)).toEqual(orderOf(read).toSorted((one, other) => one - other));
      expectSame(read, naiveHistory(points, { start: 0, end: now + 1, interval }));
    },
  );

  it('the window that is still open is part of it, with its numbers so far', async () => {
    const tenant = newTenant();
    const now = Date.now();
    await record(tenant, [{ name: 'n', type: 'gauge', value: 4, timestamp: now, tags: {} }]);
    const open = () => values(tenant, { start_time: now / 1000, aggregation_interval: '1h' });
    expect(await open()).toMatchObject([
      { value: 4, timestamp: windowStart(now, INTERVALS['1h']), summary: { count: 1 } },
    ]);

    await record(tenant, [{ name: 'n', type: 'gauge', value: 8, timestamp: now, tags: {} }]);
    expect(await open()).toMatchObject([{ value: 6, summary: { count: 2, sum: 12, min: 4, max: 8 } }]);
  });

  it('events come in order, of one type or with some tags, in pages too', async () => {
    const tenant = newTenant();
    const now = Date.now();
    const events = Array.from({ length: 1300 }, (_, no) => ({
      type: no % 100 === 7 ? 'rare' : 'usual',
      data: { no },
      tags: { shop: `s${no % 3}` },
      timestamp: (now - MINUTE + Math.floor(no / 5)) / 1000,
    }));
    for (const event of events) void storage().hostEvents.publish(tenant, 'reports.events', event);
    await storage().queue.drain();
    const history = storage().metricsHistory;
    const read = async (input: Partial<HistoryPageInput>) => {
      const query = { channel: 'reports.events', start_time: 0, ...input };
      const [inPages, inOneGo] = [[] as unknown[], await collected(history.values(tenant, query))];
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page = await history.page(tenant, { ...query, limit: 9, ...(cursor && { cursor }) });
        inPages.push(...page.messages);
        cursor = page.nextCursor;
        expect(page.resolution).toBe('raw');
      }
      expect(inPages).toEqual(inOneGo);
      return inOneGo.map((event) => event.kind === 'event' && event.data['no']);
    };
    const numbers = (matches: (event: (typeof events)[number]) => boolean) =>
      events.flatMap((event, no) => (matches(event) ? [no] : []));

    expect(await read({})).toEqual(numbers(() => true));
    expect(await read({ name: 'rare' })).toEqual(numbers(({ type }) => type === 'rare'));
    expect(await read({ name: 'rare', tags: { shop: ['s0', 's2'] } })).toEqual(
      numbers(({ type, tags: { shop } }) => type === 'rare' && shop !== 's1'),
    );
    expect(await read({ end_time: (now - MINUTE + 2) / 1000 })).toEqual(Array.from({ length: 10 }, (_, no) => no));
    expect(await read({ name: 'never' })).toEqual([]);
  });

  it('is empty where nothing was recorded, and for what nothing can meet', async () => {
    const tenant = newTenant();
    expect(await storage().metricsHistory.page(tenant, { channel: CHANNEL, start_time: 0 })).toEqual({
      channel: CHANNEL,
      messages: [],
      nextCursor: null,
      resolution: 'raw',
    });
    await record(tenant, [{ name: 'n', type: 'gauge', value: 1, timestamp: Date.now(), tags: { shop: 'n' } }]);
    expect(await values(newTenant(), { start_time: 0 })).toEqual([]);
    expect(await collected(storage().history.rows({ ...everything(tenant), filter: { shop: [] } }))).toEqual([]);
    expect(await collected(storage().history.rows(everything(tenant)))).toMatchObject([[{ message: { value: 1 } }]]);
  });

  it('others have their turn while a long one is read', async () => {
    const tenant = newTenant();
    const now = Date.now();
    const points = Array.from({ length: 9000 }, (_, index): Point => ({
      name: 'n',
      type: 'gauge',
      value: index,
      timestamp: now - index * 10,
      tags: {},
    }));
    await record(tenant, points);
    for (const interval of [undefined, '1s'] as const) {
      let turns = 0;
      let isDone = false;
      const count = () => void (isDone || (turns++, setImmediate(count)));
      setImmediate(count);
      let slices = 0;
      for await (const rows of storage().history.rows({ ...everything(tenant), interval }))
        slices += rows.length > 0 ? 1 : 0;
      isDone = true;
      expect(turns).toBeGreaterThanOrEqual(slices);
      expect(slices).toBeGreaterThan(interval ? 0 : 4);
    }
  });

  const everything = (tenant: ReturnType<typeof newTenant>) => ({
    tenant,
    channel: CHANNEL as never,
    start: 0,
    end: Date.now() + 1,
    filter: {},
  });
}

/** Whatever the order of what is of one instant. */
function expectSame(read: readonly Sample[], expected: readonly Sample[]): void {
  const inOrder = (samples: readonly Sample[]) =>
    samples
      .map(shown)
      .sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : one.value - other.value));
  const [are, should] = [inOrder(read), inOrder(expected)];
  expect(are.map(({ key }) => key)).toEqual(should.map(({ key }) => key));
  for (const [index, { key, numbers }] of should.entries()) {
    for (const [name, number] of Object.entries(numbers)) {
      const difference = Math.abs((are[index]!.numbers as Record<string, number>)[name]! - number);
      const isQuantile = /^p\d/.test(name) || (key.includes('histogram') && name === 'value' && 'count' in numbers);
      const allowed = isQuantile ? 0.0101 * Math.abs(number) : 1e-9 * Math.max(1, Math.abs(number));
      expect(difference, `${key} ${name}`).toBeLessThanOrEqual(allowed);
    }
  }
}
