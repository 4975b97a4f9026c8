import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Event, NO_FILTER, type TenantId } from '../../../src/protocol/index.js';
import type { Slice } from '../../../src/store/index.js';
import { channelName } from '../../support/publications.js';
import { type Storage, newTenant } from '../../support/storage.js';

const CHANNEL = 'orders.metrics';
const HOUR = 3_600_000;
const TWO_YEARS_OF_HOURS = 2 * 365 * 24;

/** How much is done at once for one who reads history, whatever it is that they ask for. */
export function historyPaceContract(storage: () => Storage): void {
  const now = Date.now();
  const thisHour = now - (now % HOUR);

  const newSeries = async (tenant: TenantId, names: readonly string[], channel = CHANNEL): Promise<number[]> => {
    await storage().metrics.record(
      tenant,
      names.map((name) => ({ channel, name, type: 'gauge', value: 1, timestamp: now / 1000 })),
    );
    return (await storage().channelSeries.of(tenant, channelName(channel))).map(({ id }) => id);
  };
  /** As if a value had been recorded in each hour of two years. */
  const fillHours = (series: number) =>
    storage().write(function* () {
      yield {
        into: 'metricast_rollup',
        columns: ['resolution', 'bucket', 'series_id', 'count', 'sum', 'min', 'max', 'last', 'last_at', 'increase'],
        rows: Array.from({ length: TWO_YEARS_OF_HOURS - 1 }, (_, index) => {
          const bucket = thisHour - (index + 1) * HOUR;
          return [3600, bucket, series, 1, 1, 1, 1, 1, bucket, 0];
        }),
      };
    });
  /** How many queries something takes. */
  const queriesOf = async (work: () => Promise<unknown>): Promise<number> => {
    const spy = vi.spyOn(storage().dataSource.logger, 'logQuery');
    await work();
    const queries = spy.mock.calls.length;
    spy.mockRestore();
    return queries;
  };
  const openSlices = async (tenant: TenantId, channel: string, interval?: '1h') => {
    const span = {
      tenant,
      channel: channelName(channel),
      start: 0,
      end: Date.now() + HOUR,
      filter: NO_FILTER,
      interval,
    };
    return (await storage().history.open(span)).slices;
  };
  const rowsIn = (slices: readonly Slice[]) => slices.map(({ rows }) => rows.length);

  describe('where there are hours of two years', () => {
    const [tenant, early, late] = [newTenant(), newTenant(), newTenant()];
    beforeAll(async () => {
      await newSeries(
        early,
        Array.from({ length: 300 }, (_, index) => `n${index}`),
      );
      const [series] = await newSeries(tenant, ['n']);
      await fillHours(series!);
      for (const one of [early, late]) {
        await newSeries(
          one,
          Array.from({ length: 300 }, (_, index) => `m${index}`),
        );
      }
    });

    it('a cursor that was made up has none of them looked at, but for those in which there may be something', async () => {
      const query = { channel: CHANNEL, aggregation_interval: '1s', start_time: 0, limit: 1 } as const;
      const cursor = `${CHANNEL}@1s:0.0.0:${now + 1}`;
      const queries = await queriesOf(async () => {
        const page = await storage().metricsHistory.page(tenant, { ...query, cursor });
        expect(page).toMatchObject({ messages: [{ value: 1 }], nextCursor: null });
      });
      expect(queries).toBeLessThan(70);
    });

    it('those of others cost next to nothing who began to record later', async () => {
      const query = { channel: CHANNEL, aggregation_interval: '1h', start_time: 0 } as const;
      const queries = await queriesOf(async () => {
        expect((await storage().metricsHistory.page(late, query)).messages).toHaveLength(300);
      });
      expect(queries).toBeLessThan(50);
    });

    it('they are looked through a little at a time where nothing better can be done, and no further than is wanted', async () => {
      const slices = await openSlices(early, CHANNEL, '1h');
      let reached = 0;
      for (let time = 0; time < 3; time++) {
        let slice: Slice | undefined;
        const queries = await queriesOf(async () => ({ value: slice } = await slices.next()));
        expect(slice?.rows).toEqual([]);
        expect(slice!.reached.timestamp).toBeGreaterThan(reached);
        expect(queries).toBeLessThan(100);
        reached = slice!.reached.timestamp;
      }
      expect(reached).toBeLessThan(thisHour);
      await slices.return(undefined);
    });
  });

  describe('of nine thousand series that are all new', () => {
    const tenant = newTenant();
    const numbered = (prefix: string) => Array.from({ length: 4500 }, (_, index) => `${prefix}${index}`);
    const query = { channel: CHANNEL, start_time: (now - 47 * HOUR) / 1000, limit: 10 };
    let between: number;
    beforeAll(async () => {
      await newSeries(tenant, numbered('m'));
      [between] = (await newSeries(tenant, ['n'], 'other.metrics')) as [number];
      const ids = await newSeries(tenant, numbered('n'));
      expect([ids.length, ids[0]! < between, between < ids.at(-1)!]).toEqual([9000, true, true]);
    });

    it('values are shown as they were recorded, from before any was', async () => {
      const queries = await queriesOf(async () => {
        const page = await storage().metricsHistory.page(tenant, query);
        expect(page).toMatchObject({ resolution: 'raw', messages: { length: 10 } });
      });
      expect(queries).toBeLessThan(150);
    });

    it('the times before are passed over to the first window', async () => {
      const queries = await queriesOf(async () => {
        const page = await storage().metricsHistory.page(tenant, { ...query, aggregation_interval: '1s' });
        expect(page).toMatchObject({ resolution: '1s', messages: { length: 10 } });
      });
      expect(queries).toBeLessThan(5000);
    });

    it('values are shown as they were recorded, though another series among them is old', async () => {
      await fillHours(between);
      const queries = await queriesOf(async () => {
        expect(await storage().metricsHistory.page(tenant, query)).toMatchObject({ resolution: 'raw' });
      });
      expect(queries).toBeLessThan(1500);
    });
  });

  it('of many histograms some are read at a time, and each page goes on behind the last', async () => {
    const tenant = newTenant();
    await storage().metrics.record(
      tenant,
      Array.from({ length: 700 }, (_, index) => ({
        channel: CHANNEL,
        name: `n${index}`,
        type: 'histogram' as const,
        value: index,
        timestamp: now / 1000,
      })),
    );
    const slices: Slice[] = [];
    for await (const slice of await openSlices(tenant, CHANNEL, '1h')) slices.push(slice);
    expect(Math.max(...rowsIn(slices))).toBeLessThanOrEqual(128);

    const query = { channel: CHANNEL, aggregation_interval: '1h', start_time: thisHour / 1000, limit: 90 } as const;
    const [names, queries] = [[] as string[], [] as number[]];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const read = async () => {
        const page = await storage().metricsHistory.page(tenant, { ...query, ...(cursor && { cursor }) });
        names.push(...page.messages.map((message) => ('name' in message ? message.name : '')));
        cursor = page.nextCursor;
      };
      queries.push(await queriesOf(read));
    }
    expect(names).toEqual(slices.flatMap(({ rows }) => rows.map(({ message }) => 'name' in message && message.name)));
    expect(new Set(names).size).toBe(700);
    // The series, and the windows of some of them.
    expect(queries).toEqual([2, 2, 2, 2, 2, 2, 2, 2].map(() => expect.toSatisfy((count: number) => count <= 3)));
  });

  it('of large events few are read at a time, and of small ones many', async () => {
    const tenant = newTenant();
    const texts = [...Array<string>(12).fill('x'.repeat(58_000)), ...Array<string>(200).fill('y')];
    for (const text of texts) {
      void storage().hostEvents.publish(tenant, 'reports.events', { type: 'ready', data: { text } });
    }
    await storage().queue.drain();
    const slices: Slice[] = [];
    for await (const slice of await openSlices(tenant, 'reports.events')) slices.push(slice);

    const textsOf = ({ rows }: Slice) => rows.map(({ message }) => (message as Event).data['text']);
    expect(slices.flatMap(textsOf)).toEqual(texts);
    for (const slice of slices) expect(textsOf(slice).join('').length).toBeLessThan(192 * 1024);
    expect(slices.length).toBeLessThan(10);
  });
}
