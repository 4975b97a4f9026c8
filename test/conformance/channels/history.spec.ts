import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Connection, Hub } from '../../../src/hub/index.js';
import type { TenantId } from '../../../src/protocol/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, alert, gauge } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const ORDERS = 'orders.metrics';
/** The beginning of an hour, some hours ago. */
const T = Math.floor(Date.now() / 3_600_000) * 3600 - 5 * 3600;
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

describe.each(ENCODINGS)('get_history over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create(ORDERS);
    client = await tenant.watch(encoding);
    return () => client.close();
  });

  const record = (...points: (readonly [value: number, at: number, fields?: object])[]) =>
    tenant.record(
      'metrics',
      points.map(([value, at, fields]) => gauge(ORDERS, { name: 'n', value, timestamp: T + at, ...fields })),
    );
  const history = (data: WireMessage = {}, by = client) =>
    by.ask({ type: 'get_history', data: { channel: ORDERS, start_time: T, end_time: T + 3600, ...data } });
  const metricsOf = (answer: WireMessage) => answer['metrics'] as WireMessage[];

  it('shows values as they were recorded, oldest first', async () => {
    await record(
      [2, 7.5, { tags: { shop: 'south', env: 'x' } }],
      [1, 5],
      [0.1, 3599.999, { type: 'counter' }],
      [9, 3600],
    );
    await record([3, -0.001]);

    expect(await history({ end_time: iso(T + 3600), start_time: iso(T) })).toEqual({
      type: 'history',
      id: expect.any(String) as unknown,
      channel: ORDERS,
      metrics: [
        { channel: ORDERS, name: 'n', type: 'gauge', value: 1, timestamp: iso(T + 5), tags: {} },
        {
          channel: ORDERS,
          name: 'n',
          type: 'gauge',
          value: 2,
          timestamp: iso(T + 7.5),
          tags: { env: 'x', shop: 'south' },
        },
        { channel: ORDERS, name: 'n', type: 'counter', value: 0.1, timestamp: iso(T + 3599.999), tags: {} },
      ],
      next_cursor: null,
      resolution: 'raw',
    });
  });

  it('shows windows, aligned to multiples of their length', async () => {
    await record([2, 61], [6, 119], [4, 60], [7, 120], [100, 59]);
    await record(
      ...[
        [10, 60],
        [14, 70],
        [3, 80],
      ].map(([value, at]) => [value!, at!, { type: 'counter' }] as const),
    );
    await record(...[1, 2, 3, 4].map((value) => [value, 90, { type: 'histogram' }] as const));
    const window = (start: number, fields: object) => ({
      channel: ORDERS,
      name: 'n',
      timestamp: iso(T + start),
      tags: {},
      interval: '1m',
      window_start: iso(T + start),
      ...fields,
    });

    const answer = await history({ start_time: T + 100, aggregation_interval: '1m' });

    expect(answer).toMatchObject({ resolution: '1m', next_cursor: null });
    const about = (number: number) => expect.closeTo(number, 1) as unknown;
    expect(metricsOf(answer)).toHaveLength(4);
    expect(metricsOf(answer)).toEqual(
      expect.arrayContaining([
        window(60, { type: 'gauge', value: 4, count: 3, sum: 12, min: 2, max: 6, last: 6 }),
        window(60, { type: 'counter', value: 17, count: 3, sum: 27, min: 3, max: 14 }),
        window(60, {
          ...{ type: 'histogram', value: about(2), count: 4, sum: 10, min: 1, max: 4 },
          ...{ p50: about(2), p95: about(3), p99: about(3) },
        }),
        window(120, { type: 'gauge', value: 7, count: 1, sum: 7, min: 7, max: 7, last: 7 }),
      ]),
    );
    expect(metricsOf(await history({ start_time: T + 120, aggregation_interval: '1h' }))).toMatchObject([
      { window_start: iso(T) },
      { window_start: iso(T) },
      { window_start: iso(T) },
    ]);
  });

  it('is narrowed by name and tags, a list of values meaning any of them', async () => {
    const tagged = (shop: string, name = 'n') => ({ tags: { shop, env: 'x' }, name });
    await record(
      [1, 1, tagged('north')],
      [2, 2, tagged('south')],
      [3, 3, tagged('west')],
      [4, 4, tagged('north', 'm')],
    );
    const values = async (data: WireMessage) => metricsOf(await history(data)).map(({ value }) => value);

    expect(await values({ name: 'n' })).toEqual([1, 2, 3]);
    expect(await values({ tags: { shop: 'north' } })).toEqual([1, 4]);
    expect(await values({ tags: { shop: ['north', 'west'], env: 'x' }, name: 'n' })).toEqual([1, 3]);
    expect(await values({ tags: { shop: 'nort' } })).toEqual([]);
    expect(await values({ name: 'N' })).toEqual([]);
  });

  it('comes in pages, each where the one before ended, at the same resolution, to the same end', async () => {
    await record(...Array.from({ length: 25 }, (_, index) => [index, index * 10] as const));
    for (const interval of [undefined, '1s']) {
      const seen: unknown[] = [];
      let cursor: unknown;
      for (const limit of [10, 5, 9, 1]) {
        const answer = await history({ limit, cursor, aggregation_interval: interval });
        expect(answer['resolution']).toBe(interval ?? 'raw');
        expect(metricsOf(answer)).toHaveLength(limit);
        seen.push(...metricsOf(answer).map(({ value }) => value));
        cursor = answer['next_cursor'];
      }
      expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => index));
      expect(cursor).toBeNull();
    }
  });

  it('has a thousand values a page where nobody says otherwise', async () => {
    await record(...Array.from({ length: 1001 }, (_, index) => [index, index] as const));

    const answer = await history();
    expect(metricsOf(answer)).toHaveLength(1000);
    expect(metricsOf(await history({ cursor: answer['next_cursor'] }))).toMatchObject([{ value: 1000 }]);
    expect(metricsOf(await history({ limit: 10_000 }))).toHaveLength(1001);
  });

  it('has a page end where a frame would become too large, and goes on there', async () => {
    const tags = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`tag${index}`, 'x'.repeat(256)]));
    await record(...Array.from({ length: 300 }, (_, index) => [index, index, { tags }] as const));

    const first = await history({ limit: 10_000 });
    const shown = metricsOf(first);
    expect(shown.length).toBeGreaterThan(100);
    expect(shown.length).toBeLessThan(150);
    const second = await history({ limit: 10_000, cursor: first['next_cursor'] });
    const third = await history({ limit: 10_000, cursor: second['next_cursor'] });
    expect(third['next_cursor']).toBeNull();
    expect([first, second, third].flatMap(metricsOf).map(({ value }) => value)).toEqual(
      Array.from({ length: 300 }, (_, index) => index),
    );
  });

  it('is shown to a slow reader who asks for many pages at once', async () => {
    const tags = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`tag${index}`, 'x'.repeat(256)]));
    await record(...Array.from({ length: 120 }, (_, index) => [index, index, { tags }] as const));
    const [{ outbox }] = [...app.app.get(Hub).heads.connectionsOf(tenant.id as TenantId)] as [Connection];
    client.wire.socket.pause();
    for (let no = 0; no < 40; no++) {
      client.send({ type: 'get_history', id: no, data: { channel: ORDERS, start_time: T, limit: 10_000 } });
    }
    await vi.waitFor(() => expect(outbox.queuedBytes).toBeGreaterThan(100_000), { timeout: 10_000 });
    client.wire.socket.resume();

    for (let no = 0; no < 40; no++) expect(metricsOf(await client.next({ id: no })).length).toBeGreaterThan(110);
  });

  it('of a channel of events shows these, of one type where it has a name', async () => {
    await tenant.record('alerts', [alert({ priority: 'low' }), alert({ priority: 'critical' })]);
    const own = { channel: 'alerts.events', start_time: T, end_time: undefined };
    const watching = await tenant.watch(encoding);
    await watching.subscribe(['alerts.events']);
    await tenant.record('alerts', alert({ priority: 'high', message: 'the last' }));
    const { offset, ...frame } = await watching.nextOf('alerts.events');
    await watching.close();

    const answer = await history(own);
    expect(offset).toBe(3);
    expect(answer).toMatchObject({ channel: 'alerts.events', resolution: 'raw', next_cursor: null });
    expect(metricsOf(answer)).toHaveLength(3);
    expect(metricsOf(answer)[2]).toEqual(frame);
    expect(metricsOf(await history({ ...own, tags: { priority: ['low', 'high'] } }))).toHaveLength(2);
    expect(metricsOf(await history({ ...own, name: 'alert' }))).toHaveLength(3);
    expect(metricsOf(await history({ ...own, name: 'other' }))).toEqual([]);
  });

  it('is empty where nothing was recorded in that time, and in a channel that is only collected', async () => {
    for (const data of [{}, { channel: 'skills.metrics' }, { channel: 'alerts.events' }, { end_time: T }]) {
      expect(await history(data)).toMatchObject({ metrics: [], next_cursor: null, resolution: 'raw' });
    }
  });

  it('goes on being shown where nothing is pushed', async () => {
    await record([1, 1]);
    const token = tenant.token({ roles: ['admin'] });
    for (const changes of [{ performance_profile: 'batch_only' }, { performance_profile: 'disabled' }]) {
      const response = await fetch(app.url(`/admin/tenants/${tenant.id}/settings`), {
        method: 'PATCH',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(changes),
      });
      expect(response.status).toBe(200);

      expect(metricsOf(await history())).toMatchObject([{ value: 1 }]);
    }
  });

  it.each<[data: WireMessage, fields: string]>([
    [{ channel: undefined }, 'channel'],
    [{ channel: ['orders.metrics'] }, 'channel'],
    [{ start_time: undefined }, 'start_time'],
    [{ start_time: 'yesterday', end_time: -1 }, 'start_time end_time'],
    [{ end_time: T - 1 }, 'end_time'],
    [{ name: '' }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ tags: 'shop' }, 'tags'],
    [{ tags: { shop: [] } }, 'tags'],
    [{ aggregation_interval: '2m' }, 'aggregation_interval'],
    [{ channel: 'alerts.events', aggregation_interval: '1m' }, 'aggregation_interval'],
    ...[0, -1, 1.5, 10_001, '10', true].map((limit): [WireMessage, string] => [{ limit }, 'limit']),
    ...[7, '', 'x', [], 'orders.metrics@raw:1.1.1'].map((cursor): [WireMessage, string] => [{ cursor }, 'cursor']),
    [{ start_time: {}, limit: 'x', tags: [], name: 7, cursor: {} }, 'start_time tags name limit cursor'],
  ])('with %j is an error that names %s', async (data, fields) => {
    const answer = await history(data);

    expect(answer).toMatchObject({ type: 'error', code: 'bad_request' });
    for (const field of fields.split(' ')) expect(answer['message']).toContain(`${field} `);
    for (const field of ['start_time', 'end_time', 'name', 'tags', 'limit', 'cursor']) {
      if (!fields.includes(field)) expect(answer['message']).not.toContain(`${field} must`);
    }
  });

  it('that is asked for wrongly again and again is answered, and the client stays', async () => {
    for (let time = 0; time < 25; time++) {
      expect(await client.ask({ type: 'get_history' })).toMatchObject({ code: 'bad_request' });
    }
    await client.ask({ type: 'ping' });
  });

  it('of a channel that does not exist is an error as for a subscribe', async () => {
    expect(await history({ channel: 'nope.metrics' })).toMatchObject({
      type: 'error',
      message: 'Invalid subscription: unknown channel',
      code: 'unknown_channel',
      channel: 'nope.metrics',
    });
    expect(await history({ channel: 'no channel' })).not.toHaveProperty('channel');
  });
});
