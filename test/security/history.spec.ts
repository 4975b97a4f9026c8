import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../support/app.js';
import { NOT_FOUND, RestReader } from '../support/rest-reader.js';
import { TestTenant, alert, gauge } from '../support/test-tenant.js';
import type { WireMessage } from '../support/wire-client.js';

const ORDERS = 'orders.metrics';
const INTERVALS = [undefined, '1s', '1h'];
/** Somewhere in each, so that an answer can be searched for it. */
const MARK = 'metricast_metric_point';
const SQL = [
  `x'; DROP TABLE ${MARK}; --`,
  `x' OR '1'='1' -- ${MARK}`,
  `x" OR "1"="1" -- ${MARK}`,
  `1) UNION SELECT * FROM ${MARK} --`,
  `:name $1 ? ${MARK}`,
];

/** An answer but for the end of its span, which is the moment of the question where nobody says otherwise. */
function withoutEnd(answer: WireMessage): WireMessage {
  const cursor = answer['next_cursor'];
  return { ...answer, next_cursor: typeof cursor === 'string' ? cursor.replace(/\d+$/, '') : cursor };
}

describe('the history of a channel', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let other: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, maxRequestsPerMinute: 0 });
    [tenant, other] = [new TestTenant(app), new TestTenant(app)];
    for (const [one, count] of [
      [tenant, 6],
      [other, 20],
    ] as const) {
      const timestamp = Date.now() / 1000 - 100;
      await one.record(
        'metrics',
        Array.from({ length: count }, (_, index) =>
          gauge(ORDERS, {
            value: index,
            timestamp: timestamp + index,
            tags: { owner: one.id, shop: index % 2 ? 'north' : 'south' },
          }),
        ),
      );
      await one.record('alerts', [
        alert({ priority: 'low', message: one.id }),
        alert({ priority: 'high', message: one.id }),
      ]);
    }
    await other.create('secret.metrics');
  });
  afterAll(() => app.close());

  /** What REST and a WebSocket answer, which is the same. */
  const history = async (data: WireMessage, claims: Record<string, unknown> = {}) => {
    const { channel = ORDERS, ...options } = { start_time: 0, ...data };
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options)) {
      if (value !== undefined) query.set(name, typeof value === 'string' ? value : JSON.stringify(value));
    }
    const path = `/channels/${encodeURIComponent(channel as string)}/history?${query.toString()}`;
    const rest = await new RestReader(app, tenant, claims).get(path);
    const client = await tenant.watch('JSON', tenant.token(claims));
    const { id: _, ...frame } = await client.ask({ type: 'get_history', data: { channel, ...options } });
    await client.close();
    if (rest.status === 200) expect(withoutEnd(rest.body)).toEqual(withoutEnd(frame));
    return { rest, frame, metrics: (rest.body['metrics'] ?? []) as WireMessage[] };
  };

  it.each(INTERVALS)('as %s holds nothing of another tenant', async (interval) => {
    const { metrics } = await history({ aggregation_interval: interval });
    expect(metrics.length).toBeGreaterThan(0);
    for (const { tags } of metrics) expect(tags).toMatchObject({ owner: tenant.id });
    expect((await history({ tags: { owner: other.id }, aggregation_interval: interval })).metrics).toEqual([]);
    const events = await history({ channel: 'alerts.events' });
    expect(events.metrics).toHaveLength(2);
    expect(JSON.stringify(events.metrics)).not.toContain(`"${other.id}"`);
  });

  it.each(INTERVALS)('as %s holds what a token with a filter lets through, whatever is asked for', async (interval) => {
    const narrowed = (filter: object, tags?: object, channel = ORDERS) =>
      history({ channel, tags, aggregation_interval: channel === ORDERS ? interval : undefined }, { filter });

    const own = (await narrowed({ shop: 'north' })).metrics;
    expect(own.length).toBeGreaterThan(0);
    for (const { tags } of own) expect(tags).toMatchObject({ shop: 'north' });
    expect((await narrowed({ shop: 'north' }, { shop: 'south' })).metrics).toEqual([]);
    expect((await narrowed({ shop: 'north' }, { shop: ['south', 'north'] })).metrics).toEqual(own);
    expect((await narrowed({ shop: 'elsewhere' })).metrics).toEqual([]);
    expect((await narrowed({ priority: 'high' }, undefined, 'alerts.events')).metrics).toMatchObject([
      { data: { priority: 'high' } },
    ]);
    expect((await narrowed({ priority: 'high' }, { priority: 'low' }, 'alerts.events')).metrics).toEqual([]);
  });

  it("of another tenant's channel looks as of one that does not exist", async () => {
    const [foreign, none] = [await history({ channel: 'secret.metrics' }), await history({ channel: 'none.metrics' })];

    expect(foreign.rest).toMatchObject(NOT_FOUND);
    expect(foreign.rest.body).toEqual(none.rest.body);
    expect(foreign.frame).toEqual({ ...none.frame, channel: 'secret.metrics' });
    expect(foreign.frame).toMatchObject({ code: 'unknown_channel' });
  });

  it.each(INTERVALS)(
    "with another tenant's cursor, or one that was made up, shows nothing else: %s",
    async (interval) => {
      const reader = new RestReader(app, other);
      const path = `/channels/${ORDERS}/history?start_time=0&limit=3${interval ? `&aggregation_interval=${interval}` : ''}`;
      const { body } = await reader.get(path);
      const resolution = interval ?? 'raw';
      const end = Date.now();
      const cursors = [
        ...(body['next_cursor'] ? [body['next_cursor'] as string] : []),
        `${ORDERS}@${resolution}:0.0.0:${end}`,
        `${ORDERS}@${resolution}:1.${2 ** 31 - 1}.${Number.MAX_SAFE_INTEGER}:${end}`,
        `${ORDERS}@${resolution}:${end}.1.1:${end}`,
        `${ORDERS}@${resolution}:0.0.0:0`,
        `${ORDERS}@${resolution}:253370764799999.1.1:253370764799999`,
        `${ORDERS}@1h:0.0.0:253370764799999`,
      ];
      for (const cursor of cursors) {
        const { rest, metrics } = await history({ cursor, aggregation_interval: interval });
        expect(rest.status).toBe(200);
        for (const { tags } of metrics) expect(tags).toMatchObject({ owner: tenant.id });
      }
    },
  );

  it.each([
    'secret.metrics@raw:0.0.0:1',
    'alerts.events@raw:0.0.0:1',
    `${ORDERS}@raw:0.0.0`,
    `${ORDERS}@raw:0.0:1`,
    `${ORDERS}@raw:-1.0.0:1`,
    `${ORDERS}@raw:0.0.0:1 `,
    ` ${ORDERS}@raw:0.0.0:1`,
    `${ORDERS}@raw:0x1.0.0:1`,
    `${ORDERS}@raw:1e3.0.0:1`,
    `${ORDERS}@raw:0.2147483648.0:1`,
    `${ORDERS}@raw:0.9999999999.0:1`,
    `${ORDERS}@raw:0.0.9007199254740992:1`,
    `${ORDERS}@raw:253402300800000.0.0:1`,
    `${ORDERS}@raw:0.0.0:999999999999999`,
    `${ORDERS}@2h:0.0.0:1`,
    `${ORDERS}@toString:0.0.0:1`,
    `${ORDERS}@raw:0.0.0:1\u0000`,
    `${ORDERS}@raw:${'0'.repeat(600)}.0.0:1`,
    '__proto__',
    ...SQL,
  ])('with %j for a cursor is refused, without a word of it', async (cursor) => {
    const { rest, frame } = await history({ cursor });

    expect(rest).toMatchObject({ status: 400, body: { code: 'bad_request', errors: [{ field: 'cursor' }] } });
    expect(frame).toMatchObject({ type: 'error', code: 'bad_request' });
    expect(JSON.stringify([rest.body, frame])).not.toContain('0.0');
    expect(JSON.stringify([rest.body, frame])).not.toContain(MARK);
  });

  it('with the cursor of finer values than are asked for is refused', async () => {
    const cursor = `${ORDERS}@1s:0.0.0:1`;
    expect((await history({ cursor, aggregation_interval: '1m' })).rest.status).toBe(400);
    expect((await history({ cursor, aggregation_interval: '1s' })).rest.status).toBe(200);
  });

  it.each(SQL)('of what is called %s, or tagged so, is that and nothing else', async (text) => {
    expect((await history({ name: text })).metrics).toEqual([]);
    expect((await history({ tags: { shop: text } })).metrics).toEqual([]);
    expect((await history({ name: text, channel: 'alerts.events' })).metrics).toEqual([]);
    await tenant.record('metrics', gauge('named.metrics', { name: text, value: 7, tags: { shop: text } }));
    expect((await history({ channel: 'named.metrics', name: text, tags: { shop: text } })).metrics).toMatchObject([
      { name: text, value: 7 },
    ]);
    for (const field of ['start_time', 'end_time', 'limit', 'aggregation_interval']) {
      const { rest, frame } = await history({ [field]: text });
      expect(rest).toMatchObject({ status: 400, body: { errors: [{ field }] } });
      expect(JSON.stringify([rest.body, frame])).not.toContain(MARK);
    }
  });

  it('is for viewers, and that of the service itself for operators', async () => {
    const { rest, frame } = await history({}, { roles: ['ingest'] });
    expect(rest).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(frame).toMatchObject({ type: 'error', code: 'forbidden' });
    for (const roles of [['viewer'], ['admin']]) {
      expect((await history({ channel: 'gateway.metrics' }, { roles })).rest).toMatchObject(NOT_FOUND);
      expect((await history({ channel: 'gateway.metrics' }, { roles })).frame).toMatchObject({
        code: 'unknown_channel',
      });
    }
    expect((await history({ channel: 'gateway.metrics' }, { roles: ['operator'] })).rest).toMatchObject({
      status: 200,
    });
  });
});
