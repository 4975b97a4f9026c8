import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Publication, Sample } from '../../../src/protocol/index.js';
import type { MetricInput } from '../../../src/recording/index.js';
import { MAX_ROWS_QUEUED } from '../../../src/store/index.js';
import { type Storage, newTenant } from '../../support/storage.js';

/** Values are recorded once each, and published as they were committed. */
export function recordingContract(storage: () => Storage, another: () => Promise<Storage>): void {
  it('what is stored and what is published is what was sent, each id once, and no tenant gets another’s', async () => {
    const property = fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
      const tenants = [newTenant(), newTenant(), newTenant()];
      const published = new Published(storage());
      const expected = tenants.map((): unknown[][] => []);
      const claimed = new Set<string>();
      for (const { tenant, items } of requests) {
        for (const item of items) {
          const key = `${tenant} ${item.id}`;
          if (item.id !== undefined && claimed.has(key)) continue;
          claimed.add(key);
          expected[tenant]!.push(contentOf(item));
        }
      }

      const results = await Promise.all(
        requests.map(({ tenant, items }) => storage().metrics.record(tenants[tenant]!, items)),
      );

      expect(results.map(({ accepted }) => accepted)).toEqual(requests.map(({ items }) => items.length));
      for (const [index, tenant] of tenants.entries()) {
        expect(await storedBy(storage(), tenant)).toEqual(expected[index]);
        expect(published.contents(tenant)).toEqual(expected[index]);
      }
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('a request that is repeated is accepted and neither stored nor published again', async () => {
    const tenant = newTenant();
    const published = new Published(storage());
    const items = Array.from({ length: 20 }, () => metric({ id: randomUUID() }));
    const first = await storage().metrics.record(tenant, items);
    const second = await storage().metrics.record(tenant, items);

    expect([first.accepted, second.accepted]).toEqual([20, 20]);
    expect(await storedBy(storage(), tenant)).toHaveLength(20);
    expect(published.by(tenant)).toHaveLength(20);
  });

  it('publishes in the order in which it commits, however many values a request has', async () => {
    const tenant = newTenant();
    const published = new Published(storage());
    const sizes = [1, 700, 3, 1500, 2];
    let value = 0;
    const requests = sizes.map((size) => Array.from({ length: size }, () => metric({ value: value++ })));
    await Promise.all(requests.map((items) => storage().metrics.record(tenant, items)));

    const values = published.by(tenant).map(({ message }) => (message as { value: number }).value);
    expect(values).toEqual(Array.from({ length: value }, (_, index) => index));
  });

  it('publishes nothing that is not stored', async () => {
    const tenant = newTenant();
    const broken = await another();
    const published = new Published(broken);
    await broken.dataSource.destroy();

    await expect(broken.metrics.record(tenant, metric())).rejects.toMatchObject({ code: 'busy' });
    expect(published.by(tenant)).toEqual([]);
  });

  it('what is stored is recorded, even where it cannot be published', async () => {
    const tenant = newTenant();
    const deaf = await another();
    deaf.broker.onPublication(() => {
      throw new Error('a listener that fails');
    });

    expect(await deaf.metrics.record(tenant, metric())).toEqual({ accepted: 1, rejected: [] });
    expect(await storedBy(deaf, tenant)).toHaveLength(1);
    await deaf.close();
  });

  it('stores the good items and names the bad ones', async () => {
    const tenant = newTenant();
    const items = [metric({ value: 1 }), metric({ value: Number.NaN }), metric({ value: 3 }), 'nonsense' as never];
    const result = await storage().metrics.record(tenant, items);

    expect(result.accepted).toBe(2);
    expect(result.rejected.map(({ index, field }) => [index, field])).toEqual([
      [1, 'value'],
      [3, ''],
    ]);
    expect((await storedBy(storage(), tenant)).map((content) => content.at(-1))).toEqual([1, 3]);
  });

  it('commits many items in pieces, the smaller the more rows an item is', async () => {
    const { metrics, usage, transactor } = storage();
    const piecesOf = async (recorded: () => Promise<unknown>) => {
      const before = transactor.sizes.length;
      await recorded();
      return transactor.sizes.slice(before).reduce((sum, pieces) => sum + pieces, 0);
    };
    const values = Array.from({ length: 2001 }, () => metric());
    const uses = Array.from({ length: 250 }, () => ({ kind: 'embedding', tool_id: 't' }) as const);

    expect(await piecesOf(() => metrics.record(newTenant(), values))).toBe(3);
    expect(await piecesOf(() => usage.record(newTenant(), uses))).toBe(3);
  });

  it('answers for all pieces together: what is bad, what comes again, and what there is no room for', async () => {
    const tenant = newTenant();
    const published = new Published(storage());
    const { tenants, metrics } = storage();
    const { limits, ...effective } = tenants.effective(tenant);
    onTestFinished(() => void vi.restoreAllMocks());
    vi.spyOn(tenants, 'effective').mockReturnValue({ ...effective, limits: { ...limits, maxSeries: 2500 } });
    const items = Array.from({ length: 4000 }, (_, index) =>
      metric({ name: `n${index}`, value: index, id: `${index}` }),
    );
    items[1700] = metric({ value: Number.NaN });
    // Comes again a piece later, and once more.
    for (const index of [1800, 2700, 3999]) items[index] = items[3]!;
    const { accepted, rejected } = await metrics.record(tenant, items);

    const fresh = items.map(({ value }) => value).filter((value, index) => index === value);
    const beyond = fresh.slice(2500);
    expect(rejected.map(({ index }) => index)).toEqual([1700, ...beyond]);
    expect(accepted).toBe(2500 + 3);
    const stored = (await storedBy(storage(), tenant)).map((content) => content.at(-1));
    expect(stored).toEqual(fresh.slice(0, 2500));
    expect(published.contents(tenant).map((content) => content.at(-1))).toEqual(stored);
  });

  it('where the database fails midway, the first pieces are stored and published, and ids make good the rest', async () => {
    const tenant = newTenant();
    const { metrics, transactor } = storage();
    const published = new Published(storage());
    const items = Array.from({ length: 10_000 }, (_, index) => metric({ value: index, id: `${index}` }));
    const values = items.map(({ value }) => value);
    const commit = transactor.commit.bind(transactor);
    onTestFinished(() => void vi.restoreAllMocks());
    vi.spyOn(transactor, 'commit').mockImplementationOnce(commit).mockRejectedValueOnce(new Error('gone'));

    await expect(metrics.record(tenant, items)).rejects.toMatchObject({ code: 'busy' });
    // A piece is as much as is committed of a request at once.
    const first = values.slice(0, 1000);
    expect((await storedBy(storage(), tenant)).map((content) => content.at(-1))).toEqual(first);
    expect(published.by(tenant)).toHaveLength(first.length);
    expect(await metrics.record(tenant, items)).toEqual({ accepted: 10_000, rejected: [] });
    expect((await storedBy(storage(), tenant)).map((content) => content.at(-1))).toEqual(values);
    expect(published.contents(tenant).map((content) => content.at(-1))).toEqual(values);
  });

  it('stores nothing of what there is no room for as a whole', async () => {
    const tenant = newTenant();
    const { metrics, queue, transactor, write } = storage();
    const items = Array.from({ length: 1500 }, () => metric());
    const release = transactor.hold();
    const large = write(function* () {
      yield { sql: 'SELECT 1', values: [] };
    }, MAX_ROWS_QUEUED - 1000);
    const refused = metrics.record(tenant, items).catch((error: unknown) => error);
    const queued = queue.queuedRows;
    release();
    await large;

    expect(queued).toBe(MAX_ROWS_QUEUED - 1000);
    expect(await refused).toMatchObject({ code: 'busy' });
    expect(await storedBy(storage(), tenant)).toEqual([]);
  });

  it('takes 10,000 items at once and no more', async () => {
    const tenant = newTenant();
    const items = Array.from({ length: 10_001 }, (_, index) => metric({ value: index, id: `${index}` }));
    await expect(storage().metrics.record(tenant, items)).rejects.toMatchObject({ code: 'too_large' });
    await storage().metrics.record(tenant, items.slice(1));

    expect(await storedBy(storage(), tenant)).toHaveLength(10_000);
  });
}

class Published {
  readonly #publications: Publication[] = [];

  constructor({ broker }: Storage) {
    broker.onPublication((publication) => this.#publications.push(publication));
  }

  by(tenant: string): Publication[] {
    return this.#publications.filter((publication) => publication.tenant === tenant);
  }

  contents(tenant: string): unknown[][] {
    return this.by(tenant).map(({ channel, message }) => {
      const sample = message as Sample;
      return contentOf({ ...sample, channel, timestamp: sample.timestamp / 1000 });
    });
  }
}

const NOW = Math.floor(Date.now() / 1000);

function metric(fields: Partial<MetricInput> = {}): MetricInput {
  return { channel: 'orders.metrics', name: 'n', type: 'gauge', value: 1, timestamp: NOW, ...fields };
}

/** Few of everything, so that ids, series and instants meet. */
const item = fc.record(
  {
    channel: fc.constantFrom('a.metrics', 'b.metrics'),
    name: fc.constantFrom('n', 'm', 'ü "q" \'s\''),
    type: fc.constantFrom('gauge', 'counter', 'histogram'),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    tags: fc.constantFrom(undefined, {}, { a: '1', b: '2' }, { b: '2', a: '1' }, { a: '2' }),
    timestamp: fc.constantFrom(0, 1.001, NOW, NOW - 86_400),
    id: fc.option(fc.constantFrom('1', '2', '3', '4', '5'), { nil: undefined }),
  },
  { requiredKeys: ['channel', 'name', 'type', 'value', 'timestamp'] },
) as fc.Arbitrary<MetricInput>;

const request = fc.record({ tenant: fc.nat(2), items: fc.array(item, { minLength: 1, maxLength: 15 }) });

/** Channel, name, tags, instant and value. */
function contentOf({ channel, name, tags, timestamp, value }: MetricInput): unknown[] {
  const pairs = Object.entries(tags ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  return [channel, name, Object.fromEntries(pairs), Math.round((timestamp as number) * 1000), value];
}

async function storedBy(storage: Storage, tenant: string): Promise<unknown[][]> {
  const rows = await storage.rows(
    `SELECT channel, name, tags, timestamp, value
     FROM metricast_metric_point point JOIN metricast_metric_series series ON series.series_id = point.series_id
     WHERE tenant_id = $1 ORDER BY point_id`,
    [tenant],
  );
  return rows.map(({ channel, name, tags, timestamp, value }) => [
    channel,
    name,
    tags === '' ? {} : JSON.parse(tags as string),
    Number(timestamp),
    value,
  ]);
}
