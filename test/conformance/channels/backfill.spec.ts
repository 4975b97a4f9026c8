import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { ENCODINGS } from '../../support/channels-client.js';
import { DATABASES, type DatabaseKind, type TestDatabase } from '../../support/databases.js';
import { TestTenant, alert, gauge } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const ORDERS = 'orders.metrics';
const SHOPS = ['north', 'south', 'west'];
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Somebody who is sent messages, over whichever transport. */
interface Reader {
  next(): Promise<WireMessage>;
  close(): Promise<void>;
}
type Options = Record<string, string | number>;
const TRANSPORTS = [...ENCODINGS, 'SSE'] as const;

const iso = (instant: number) => new Date(instant).toISOString();

describe.each(Object.keys(DATABASES) as DatabaseKind[])('history before what is new, on %s', (kind) => {
  let database: TestDatabase;
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    database = await DATABASES[kind]();
    app = await TestApp.start({ auth: { secret: SECRET }, database: database.url });
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create('other.metrics');
  });

  async function subscribe(
    transport: (typeof TRANSPORTS)[number],
    channels: readonly string[],
    options: Options,
    token = tenant.token(),
  ): Promise<Reader> {
    if (transport === 'SSE') {
      const entries = Object.entries(options).map(([name, value]): [string, string] => [name, String(value)]);
      const query = new URLSearchParams({
        dialect: 'channels',
        channels: channels.join(','),
        ...Object.fromEntries(entries),
      });
      const client = await tenant.stream(query.toString(), token);
      await client.next({ type: 'welcome' });
      return { next: async () => (await client.next()).message, close: () => client.close() };
    }
    const client = await tenant.watch(transport, token);
    client.send({ type: 'subscribe', data: { channels, ...options } });
    return { next: () => client.next(), close: () => client.close() };
  }

  async function take(reader: Reader, count: number): Promise<WireMessage[]> {
    const messages: WireMessage[] = [];
    while (messages.length < count) messages.push(await reader.next());
    return messages;
  }

  const record = (items: readonly Record<string, unknown>[]) => tenant.record('metrics', items);

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it('comes after the acknowledgement, oldest first, in the shape of what is published', async () => {
      const begin = Date.now() - HOUR;
      const at = (minute: number) => iso(begin + minute * MINUTE);
      await record([
        gauge(ORDERS, { value: 3, timestamp: at(30), tags: { shop: 'north' } }),
        gauge(ORDERS, { value: 1, timestamp: at(10) }),
        gauge(ORDERS, { value: 0, timestamp: at(9) }),
        gauge(ORDERS, { value: 2, timestamp: at(20), type: 'counter', name: 'n' }),
      ]);
      const reader = await subscribe(transport, [ORDERS], { since: at(10) });

      expect(await reader.next()).toMatchObject({ type: 'subscribed', positions: { [ORDERS]: { offset: 4 } } });
      const point = { channel: ORDERS, name: 'level', type: 'gauge', tags: {}, offset: 4 };
      expect(await take(reader, 3)).toEqual([
        { ...point, value: 1, timestamp: at(10) },
        { ...point, value: 2, timestamp: at(20), type: 'counter', name: 'n' },
        { ...point, value: 3, timestamp: at(30), tags: { shop: 'north' } },
      ]);
      await record([gauge(ORDERS, { value: 4 })]);
      expect(await reader.next()).toMatchObject({ value: 4, offset: 5 });
      await reader.close();
    });

    it('begins at an instant in Unix seconds as well', async () => {
      const begin = Date.now() - HOUR;
      await record([0, 1, 2].map((value) => gauge(ORDERS, { value, timestamp: iso(begin + value * 1000) })));
      const reader = await subscribe(transport, [ORDERS], { since: (begin + 1000) / 1000 });

      expect(await take(reader, 3)).toMatchObject([{ type: 'subscribed' }, { value: 1 }, { value: 2 }]);
      await reader.close();
    });

    it('has no hole and no duplicate while several write', async () => {
      const [writers, rounds, size] = [4, 25, 20];
      let last = 0;
      const write = async () => {
        for (let round = 0; round < rounds; round++) {
          const items = Array.from({ length: size }, () => {
            const value = ++last;
            // Some come late, and some are ahead.
            const timestamp = iso(Date.now() - (value % 7 === 0 ? 5000 : 0) + (value % 11 === 0 ? 20_000 : 0));
            return gauge(ORDERS, { value, timestamp, tags: { shop: SHOPS[value % 3] } });
          });
          expect((await record(items)).status).toBe(202);
        }
      };
      const begin = Date.now() - HOUR;
      await write();
      const writing = Promise.all(Array.from({ length: writers }, write));
      const readers = [];
      const total = (writers + 1) * rounds * size;
      for (let count = 0; count < 5; count++) {
        readers.push(await subscribe(transport, [ORDERS], { since: iso(begin) }));
      }
      const received = await Promise.all(readers.map((reader) => take(reader, total + 1)));
      await writing;
      // Whatever came twice comes before this.
      await record([gauge(ORDERS, { value: -1 })]);

      const expected = Array.from({ length: total }, (_, index) => index + 1);
      for (const [index, [ack, ...points]] of received.entries()) {
        expect(points.map(({ value }) => value as number).sort((one, other) => one - other)).toEqual(expected);
        const { offset } = (ack!['positions'] as Record<string, { offset: number }>)[ORDERS]!;
        // What is published is numbered on from the acknowledgement, without a gap.
        const live = points.filter((point) => (point['offset'] as number) > offset);
        expect(live.map((point) => point['offset'])).toEqual(live.map((_, at) => offset + at + 1));
        expect(points.slice(0, points.length - live.length).every((point) => point['offset'] === offset)).toBe(true);
        expect(await readers[index]!.next()).toMatchObject({ value: -1 });
      }
      await Promise.all(readers.map((reader) => reader.close()));
    });

    it('is that of what the tags of the subscription and of the token let through', async () => {
      const items = SHOPS.flatMap((shop) =>
        ['a', 'b'].map((env, value) =>
          gauge(ORDERS, { value, tags: { shop, env }, timestamp: iso(Date.now() - MINUTE) }),
        ),
      );
      await record(items);
      const tags = transport === 'SSE' ? JSON.stringify({ shop: 'west' }) : ({ shop: 'west' } as never);
      const options = { since: iso(Date.now() - HOUR), tags };
      const reader = await subscribe(transport, [ORDERS], options, tenant.token({ filter: { env: 'b' } }));
      await record([...items, gauge(ORDERS, { value: 9, tags: { shop: 'west', env: 'b' } })]);

      const [, ...points] = await take(reader, 4);
      expect(points).toMatchObject([{ value: 1 }, { value: 1 }, { value: 9 }]);
      expect(points.every(({ tags: its }) => JSON.stringify(its) === '{"env":"b","shop":"west"}')).toBe(true);
      await reader.close();
    });

    it('is of events what happened', async () => {
      await tenant.record('alerts', [alert({ message: 'one' }), alert({ message: 'two' })]);
      const reader = await subscribe(transport, ['alerts.events'], { since: iso(Date.now() - HOUR) });
      await tenant.record('alerts', alert({ message: 'three' }));

      expect(await take(reader, 4)).toMatchObject([
        { type: 'subscribed' },
        { event: 'alert', data: { message: 'one' }, offset: 2 },
        { event: 'alert', data: { message: 'two' }, offset: 2 },
        { event: 'alert', data: { message: 'three' }, offset: 3 },
      ]);
      await reader.close();
    });

    it('has every window once, with an interval: those that have closed, then the open one when it closes', async () => {
      const begin = Math.floor(Date.now() / 1000) * 1000 - 10_000;
      const windowsOf = (reader: Reader, count: number) => take(reader, count);
      // One in each second, up to the one that is open.
      let value = 0;
      const until = (end: number) => {
        const items = [];
        for (; begin + value * 1000 < end; value++)
          items.push(gauge(ORDERS, { value, timestamp: iso(begin + value * 1000) }));
        return record(items);
      };
      await until(Date.now());
      const closed = value;
      const reader = await subscribe(transport, [ORDERS], { since: iso(begin + 500), aggregation_interval: '1s' });
      const [ack, ...before] = await windowsOf(reader, closed);
      await until(Date.now() + 3000);
      const after = await windowsOf(reader, value - closed + 1);

      expect(ack).toMatchObject({ type: 'subscribed' });
      expect([...before, ...after]).toMatchObject(
        Array.from({ length: value }, (_, index) => ({
          channel: ORDERS,
          interval: '1s',
          window_start: iso(begin + index * 1000),
          value: index,
          count: 1,
        })),
      );
      await reader.close();
    });
  });

  it('goes on with one channel while another is long, and answers what is asked meanwhile', async () => {
    const items = Array.from({ length: 5000 }, (_, value) =>
      gauge(ORDERS, { value, timestamp: iso(Date.now() - MINUTE) }),
    );
    await record(items);
    const client = await tenant.watch('JSON');
    await client.subscribe([ORDERS], { since: iso(Date.now() - HOUR) });
    await client.ask({ type: 'ping' });
    await client.subscribe(['other.metrics']);
    await record([gauge('other.metrics', { value: 7 })]);

    expect(await client.nextOf('other.metrics')).toMatchObject({ value: 7 });
    await client.close();
  });

  it('ends where its channel is unsubscribed, or subscribed anew without it', async () => {
    const items = Array.from({ length: 5000 }, (_, value) =>
      gauge(ORDERS, { value, timestamp: iso(Date.now() - MINUTE) }),
    );
    await record(items);
    const client = await tenant.watch('JSON');
    const since = iso(Date.now() - HOUR);
    client.send({ type: 'subscribe', data: { channels: [ORDERS], since } });
    await client.ask({ type: 'unsubscribe' });
    expect(await client.settled()).toEqual([]);
    client.send({ type: 'subscribe', data: { channels: [ORDERS], since } });
    await client.subscribe([ORDERS]);
    await record([gauge(ORDERS, { value: -1 })]);

    expect(await client.nextOf(ORDERS)).toMatchObject({ value: -1 });
    await client.close();
  });

  it('goes on in the other encoding, and with the filter of a newer token', async () => {
    const tagged = (value: number) => gauge(ORDERS, { value, tags: { env: value % 2 === 0 ? 'a' : 'b' } });
    await record(Array.from({ length: 3000 }, (_, value) => tagged(value)));
    const client = await tenant.watch('JSON');
    client.send({ type: 'subscribe', data: { channels: [ORDERS], since: iso(Date.now() - HOUR) } });
    client.send({ type: 'subscribe', data: { channels: ['other.metrics'], compression: true } });
    client.send({ type: 'refresh', token: tenant.token({ filter: { env: 'b' } }) });
    await client.next({ type: 'refreshed' });
    await record([tagged(3000), tagged(3001)]);
    const received: WireMessage[] = [];
    while (received.at(-1)?.['value'] !== 3001) received.push(await client.nextOf(ORDERS));

    expect(received.map(({ value }) => value)).toEqual(Array.from({ length: 1501 }, (_, index) => 2 * index + 1));
    await client.wire.close();
  });
});
