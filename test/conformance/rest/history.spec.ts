import { get } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DATA_SOURCE, HistoryReader } from '../../../src/store/index.js';
import { PointReader } from '../../../src/store/point-reader.js';
import { type Answer, type Platform, SECRET, TestApp } from '../../support/app.js';
import { NOT_FOUND, RestReader } from '../../support/rest-reader.js';
import { TestTenant, alert, gauge } from '../../support/test-tenant.js';

const ORDERS = 'orders.metrics';
/** The beginning of an hour, some hours ago. */
const T = Math.floor(Date.now() / 3_600_000) * 3600 - 5 * 3600;
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

describe.each<Platform>(['express', 'fastify'])('GET /channels/:channel/history on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let reader: RestReader;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    reader = new RestReader(app, tenant);
  });

  const record = (count: number, fields: object = {}) =>
    tenant.record(
      'metrics',
      Array.from({ length: count }, (_, index) => gauge(ORDERS, { value: index, timestamp: T + index, ...fields })),
    );
  const history = (query: Record<string, unknown> = {}, channel = ORDERS, by = reader) =>
    by.get(`/channels/${channel}/history?${new URLSearchParams({ start_time: String(T), ...query }).toString()}`);
  const valuesOf = ({ body }: Answer) => (body['metrics'] as { value: number }[]).map(({ value }) => value);

  it.each([
    {},
    { aggregation_interval: '5s' },
    { limit: 3 },
    { name: 'level', tags: { shop: ['north'] }, end_time: T + 7 },
    { start_time: iso(T + 2), end_time: iso(T + 7) },
  ])('with %j answers to the letter what get_history answers', async (options) => {
    await record(10, { tags: { shop: 'north' } });
    await record(10, { name: 'other', type: 'histogram' });
    const client = await tenant.watch();
    const data = { channel: ORDERS, start_time: T, end_time: T + 60, ...options };
    const { id: _, ...frame } = await client.ask({ type: 'get_history', data });
    await client.close();
    const query = Object.entries({ end_time: T + 60, ...options }).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]);

    const answer = await history(Object.fromEntries(query) as Record<string, string>);

    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(frame);
    expect(JSON.stringify(answer.body)).toBe(JSON.stringify(frame));
    expect(frame['metrics']).not.toEqual([]);
  });

  it('is streamed: whole, as JSON that nobody keeps and that has no tag', async () => {
    await record(10_000);
    const answer = await history({ limit: 10_000 });

    expect(valuesOf(answer)).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    expect(answer.headers.get('vary')).toContain('Authorization');
    expect(answer.headers.has('etag')).toBe(false);
    expect(answer.headers.has('content-length')).toBe(false);
  });

  it('is empty where there is nothing, and says so', async () => {
    await record(1);
    expect((await history({ start_time: String(T + 5) })).body).toEqual({
      type: 'history',
      channel: ORDERS,
      metrics: [],
      next_cursor: null,
      resolution: 'raw',
    });
    expect((await history({}, 'skills.metrics')).body).toMatchObject({ metrics: [] });
  });

  it('comes in pages', async () => {
    await record(1500);
    const first = await history();
    expect(valuesOf(first)).toHaveLength(1000);
    const second = await history({ cursor: first.body['next_cursor'] });

    expect([...valuesOf(first), ...valuesOf(second)]).toEqual(Array.from({ length: 1500 }, (_, index) => index));
    expect(second.body['next_cursor']).toBeNull();
    const socket = await tenant.watch();
    const data = { channel: ORDERS, start_time: T, cursor: first.body['next_cursor'] };
    expect((await socket.ask({ type: 'get_history', data }))['metrics']).toEqual(second.body['metrics']);
    await socket.close();
  });

  it('of events shows these', async () => {
    await tenant.record('alerts', [alert({ priority: 'low' }), alert({ priority: 'high' })]);

    expect(await history({ tags: '{"priority":"high"}' }, 'alerts.events')).toMatchObject({
      status: 200,
      body: {
        metrics: [{ event: 'alert', data: { priority: 'high' }, tags: { priority: 'high' } }],
        resolution: 'raw',
      },
    });
  });

  it.each<[query: string, fields: string[]]>([
    ['', ['start_time']],
    ['start_time=', ['start_time']],
    ['start_time=1e9', ['start_time']],
    ['start_time=soon&end_time=later', ['start_time', 'end_time']],
    ['start_time=1700000000.5&end_time=1700000000', ['end_time']],
    ['start_time=1&tags=shop', ['tags']],
    ['start_time=1&tags={"shop":1}', ['tags']],
    ['start_time=1&tags=null', ['tags']],
    ['start_time=1&tags=[]', ['tags']],
    [
      'start_time=1&limit=0&aggregation_interval=1d&cursor=x&name=',
      ['name', 'aggregation_interval', 'limit', 'cursor'],
    ],
    ['start_time=1&limit=10001', ['limit']],
    ['start_time=1&limit=ten', ['limit']],
    ['start_time=1&start_time=1', ['start_time']],
    ['start_time=1&tags={"a":"b"}&tags={"a":"c"}', ['tags']],
    ['start_time=1&tags[shop]=north', ['tags']],
    ['start_time=1&limit[]=5&name[]=x', ['name', 'limit']],
    ['start_time[]=1', ['start_time']],
  ])('with ?%s is a 400 that lists what is wrong', async (query, fields) => {
    await record(1);
    const answer = await reader.get(`/channels/${ORDERS}/history?${query}`);

    expect(answer).toMatchObject({ status: 400, body: { statusCode: 400, code: 'bad_request' } });
    const errors = answer.body['errors'] as { field: string; message: string }[];
    expect(errors.map(({ field }) => field).sort()).toEqual(fields.toSorted());
  });

  it.each(['nope.metrics', 'nope.events', 'orders', 'Orders.metrics', '%00', '__proto__'])(
    'of what is no channel is not found: %s',
    async (channel) => expect(await history({}, channel)).toMatchObject(NOT_FOUND),
  );

  it('that cannot begin to be read is an error that says nothing of why, and one that breaks off is cut short', async () => {
    await record(6000);
    const reading = app.app.get(HistoryReader, { strict: false });
    const original = reading.open.bind(reading);
    const failing = vi.spyOn(reading, 'open').mockImplementation(async (...asked) => {
      const { resolution, slices } = await original(...asked);
      return {
        resolution,
        slices: (async function* () {
          yield (await slices.next()).value as never;
          throw new Error('no such table: metricast_secret');
        })(),
      };
    });
    const broken = await fetch(app.url(`/channels/${ORDERS}/history?start_time=${T}&limit=10000`), {
      headers: { authorization: `Bearer ${tenant.token()}` },
    });
    const text = broken.text();
    await expect(text).rejects.toThrow();
    failing.mockRestore();

    const rename = (from: string, to: string) =>
      app.app
        .get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false })
        .query(`ALTER TABLE ${from} RENAME TO ${to}`);
    await rename('metricast_metric_point', 'metricast_away');
    const answer = await history();
    await rename('metricast_away', 'metricast_metric_point');
    expect(answer).toMatchObject({
      status: 500,
      body: { statusCode: 500, code: 'internal', message: 'Internal error' },
    });
    expect(await history()).toMatchObject({ status: 200 });
  });

  /** Counts the pieces that are read of points from here on, and knows when that is over. */
  const watchReading = () => {
    const points = app.app.get(PointReader, { strict: false });
    const reading = { slices: 0, isOver: false };
    const original = points.slices.bind(points);
    const spy = vi.spyOn(points, 'slices').mockImplementation(async function* (...asked) {
      try {
        for await (const slice of original(...asked)) {
          reading.slices++;
          yield slice;
        }
      } finally {
        reading.isOver = true;
      }
    });
    onTestFinished(() => spy.mockRestore());
    return reading;
  };

  it('is read no further than its client reads, and no more where the client goes away', async () => {
    const tags = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`tag${index}`, 'x'.repeat(256)]));
    for (let time = 0; time < 10; time++) await record(1000, { tags });
    const reading = watchReading();
    const url = app.url(`/channels/${ORDERS}/history?start_time=${T}&limit=10000`);
    const request = get(url, { headers: { authorization: `Bearer ${tenant.token()}` } });
    await new Promise((resolve) => request.on('response', (response) => resolve(response.pause())));
    await vi.waitFor(() => expect(reading.slices).toBeGreaterThan(0));
    // Nothing else tells that it has come to a stop than that the others are answered meanwhile.
    for (let time = 0; time < 30; time++) await reader.get('/channels');
    const { slices: read, isOver: wasOver } = reading;
    request.destroy();
    await vi.waitFor(() => expect(reading.isOver).toBe(true));

    expect(wasOver).toBe(false);
    expect(read).toBeLessThan(4);
  });

  it('that is looked for in vain is looked for no longer than its client waits', async () => {
    await record(1);
    const points = app.app.get(PointReader, { strict: false });
    let isOver = false;
    const spy = vi.spyOn(points, 'slices').mockImplementation(async function* (_series, { after }) {
      try {
        for (;;) {
          await setImmediate();
          yield { rows: [], reached: after };
        }
      } finally {
        isOver = true;
      }
    });
    onTestFinished(() => spy.mockRestore());
    // It is given up only after so much time that does not pass here.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    onTestFinished(() => clock.mockRestore());
    const url = app.url(`/channels/${ORDERS}/history?start_time=${T}`);
    const request = get(url, { headers: { authorization: `Bearer ${tenant.token()}` } });
    await new Promise((resolve) => request.on('response', resolve));
    expect(isOver).toBe(false);
    request.on('error', () => undefined).destroy();

    await vi.waitFor(() => expect(isOver).toBe(true));
  });

  it('answers HEAD as it would GET, without reading on', async () => {
    await record(6000);
    const reading = watchReading();
    const response = await fetch(app.url(`/channels/${ORDERS}/history?start_time=${T}&limit=10000`), {
      method: 'HEAD',
      headers: { authorization: `Bearer ${tenant.token()}` },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.text()).toBe('');
    expect(reading.slices).toBe(1);
    expect(valuesOf(await history({ limit: 10_000 }))).toHaveLength(6000);
    expect(reading.slices).toBeGreaterThan(2);
  });
});
