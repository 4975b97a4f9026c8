import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, alert, gauge, run } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const ORDERS = 'orders.metrics';
const STOCK = 'stock.metrics';

interface Position {
  readonly epoch: string;
  readonly offset: number;
}
type Positions = Record<string, Position & { recovered?: boolean }>;

const positionsIn = (ack: WireMessage) => ack['positions'] as Positions;
const valuesOf = (messages: readonly WireMessage[]) =>
  messages.flatMap(({ value }) => (value === undefined ? [] : [value]));
const range = (count: number, first = 1) => Array.from({ length: count }, (_, index) => first + index);

describe.each(ENCODINGS)('resuming over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create(ORDERS, STOCK);
  });

  const record = (channel: string, values: readonly number[], fields: Record<string, unknown> = {}) =>
    tenant.record(
      'metrics',
      values.map((value) => gauge(channel, { value, ...fields })),
    );
  /** Where somebody who subscribed stands, and has left since. */
  const leave = async (channels: readonly string[], options: WireMessage = {}): Promise<Positions> => {
    const client = await tenant.watch(encoding);
    const positions = positionsIn(await client.subscribe(channels, options));
    await client.close();
    return positions;
  };
  /** Comes back, and has received everything up to the acknowledgement and that itself, in this order. */
  const comeBack = async (
    channels: readonly string[],
    recover: Positions,
    options: WireMessage = {},
    token?: string,
  ): Promise<{ client: ChannelsClient; replayed: WireMessage[]; ack: WireMessage }> => {
    const client = await tenant.watch(encoding, token);
    client.send({ type: 'subscribe', id: 'back', data: { channels, recover, ...options } });
    const messages = await client.wire.upTo({ type: 'subscribed' });
    return { client, replayed: messages.slice(0, -1), ack: messages.at(-1)! };
  };

  it('brings what was missed, as it was sent the first time, then the acknowledgement, then what is new', async () => {
    const positions = await leave([ORDERS]);
    const witness = await tenant.watch(encoding);
    await witness.subscribe([ORDERS]);
    await record(ORDERS, range(300), { tags: { shop: 'north' }, timestamp: '2026-11-21T12:00:00.000Z' });
    const seen = await witness.settled();
    expect(seen).toHaveLength(300);

    const { client, replayed, ack } = await comeBack([ORDERS], positions);
    await record(ORDERS, [301]);

    expect(replayed).toEqual(seen);
    expect(ack).toEqual({
      type: 'subscribed',
      id: 'back',
      channels: [ORDERS],
      positions: { [ORDERS]: { ...positions[ORDERS], offset: 301, recovered: true } },
      recovered: true,
    });
    expect(await client.settled()).toMatchObject([{ value: 301, offset: 302 }]);
    await Promise.all([client.close(), witness.close()]);
  });

  it('brings nothing where nothing was missed', async () => {
    const { client, replayed, ack } = await comeBack([ORDERS], await leave([ORDERS]));

    expect(replayed).toEqual([]);
    expect(ack).toMatchObject({ recovered: true });
    expect(await client.settled()).toEqual([]);
    await client.close();
  });

  it('brings events as well, whatever their number', async () => {
    const positions = await leave(['alerts.events']);
    await tenant.record('alerts', [alert({ message: 'one' }), alert({ message: 'two' })]);

    const { client, replayed, ack } = await comeBack(['alerts.events'], positions);

    expect(replayed).toMatchObject([
      { event: 'alert', data: { message: 'one' }, offset: 1 },
      { event: 'alert', data: { message: 'two' }, offset: 2 },
    ]);
    expect(ack).toMatchObject({ recovered: true });
    await client.close();
  });

  it('brings the states that were missed where others watched', async () => {
    const watcher = await tenant.watch(encoding);
    await watcher.subscribe(['skills.metrics']);
    const positions = await leave(['skills.metrics']);
    const states = [await watcher.nextOf('skills.metrics'), await watcher.nextOf('skills.metrics')];

    const { client, replayed, ack } = await comeBack(['skills.metrics'], positions);

    const { offset } = positionsIn(ack)['skills.metrics']!;
    expect(replayed.map((state) => state['offset'])).toEqual(
      range(offset - positions['skills.metrics']!.offset, positions['skills.metrics']!.offset + 1),
    );
    expect(replayed).toEqual(expect.arrayContaining(states.filter((state) => (state['offset'] as number) <= offset)));
    expect(await client.nextOf('skills.metrics')).toMatchObject({ offset: offset + 1 });
    await Promise.all([client.close(), watcher.close()]);
  });

  it('brings what the filter of the subscription and that of the token let through, and nothing else', async () => {
    const positions = await leave([ORDERS]);
    for (const env of ['a', 'b']) {
      await record(ORDERS, [1], { tags: { shop: 'north', env } });
      await record(ORDERS, [2], { tags: { shop: 'south', env } });
    }

    const { client, replayed, ack } = await comeBack(
      [ORDERS],
      positions,
      { tags: { shop: 'south' } },
      tenant.token({ filter: { env: 'b' } }),
    );

    expect(replayed).toMatchObject([{ value: 2, tags: { shop: 'south', env: 'b' }, offset: 5 }]);
    expect(ack).toMatchObject({ recovered: true });
    await client.close();
  });

  it('says of each channel whether it could, and of all whether all could', async () => {
    const positions = await leave([ORDERS, STOCK]);
    await record(STOCK, [7]);
    await record(ORDERS, range(301));

    const { client, replayed, ack } = await comeBack([ORDERS, STOCK], positions);

    expect(ack).toMatchObject({
      recovered: false,
      positions: { [ORDERS]: { recovered: false, offset: 302 }, [STOCK]: { recovered: true, offset: 2 } },
    });
    expect(replayed).toMatchObject([{ channel: STOCK, value: 7 }]);
    await client.close();
  });

  it('is asked for channel by channel: the others begin with what is new', async () => {
    const positions = await leave([ORDERS, STOCK]);
    await record(ORDERS, [1]);
    await record(STOCK, [2]);

    const { client, replayed, ack } = await comeBack([ORDERS, STOCK], { [ORDERS]: positions[ORDERS]! });

    expect(valuesOf(replayed)).toEqual([1]);
    expect(ack['recovered']).toBe(true);
    expect(positionsIn(ack)[STOCK]).toEqual({ ...positions[STOCK], offset: 2 });
    await client.close();
  });

  it('passes over positions of channels that the frame does not name', async () => {
    const positions = await leave([ORDERS, STOCK]);
    await record(ORDERS, [1]);
    await record(STOCK, [2]);

    const { client, replayed, ack } = await comeBack([ORDERS], positions);

    expect(valuesOf(replayed)).toEqual([1]);
    expect(ack).toMatchObject({ channels: [ORDERS], recovered: true });
    await client.close();
  });

  it('did not recover where it names nothing that is there', async () => {
    const { client, ack } = await comeBack([ORDERS], { 'nope.metrics': { epoch: 'x', offset: 1 } });

    expect(ack).toMatchObject({ channels: [ORDERS], recovered: false });
    await client.close();
  });

  it.each([
    { what: 'of another epoch', of: ({ offset }: Position) => ({ epoch: 'another', offset }) },
    { what: 'that is yet to come', of: ({ epoch, offset }: Position) => ({ epoch, offset: offset + 1000 }) },
  ])('from a position $what brings nothing of the past, and shows the newest of each series', async ({ of }) => {
    const [position] = Object.values(await leave([ORDERS]));
    await record(ORDERS, [1, 2, 3], { tags: { shop: 'north' } });
    await record(ORDERS, [4, 5], { tags: { shop: 'south' } });

    const { client, replayed, ack } = await comeBack(
      [ORDERS],
      { [ORDERS]: of(position!) },
      { tags: { shop: ['north', 'south'] } },
    );
    await record(ORDERS, [6], { tags: { shop: 'north' } });

    expect(replayed).toEqual([]);
    expect(ack).toMatchObject({ recovered: false, positions: { [ORDERS]: { recovered: false, offset: 6 } } });
    expect(await client.next()).toMatchObject({ channel: ORDERS, value: 3, offset: 6, tags: { shop: 'north' } });
    expect(await client.next()).toMatchObject({ value: 5, offset: 6, tags: { shop: 'south' } });
    expect(await client.next()).toMatchObject({ value: 6, offset: 7 });
    expect(await client.settled()).toEqual([]);
    await client.close();
  });

  it('from a position that is 301 publications ago replays nothing in part', async () => {
    const positions = await leave([ORDERS]);
    await record(ORDERS, range(301));

    const { client, replayed, ack } = await comeBack([ORDERS], positions);

    expect(replayed).toEqual([]);
    expect(ack['recovered']).toBe(false);
    expect(await client.next()).toMatchObject({ channel: ORDERS, value: 301 });
    expect(await client.settled()).toEqual([]);
    await client.close();
  });

  it('from a position that is not known shows a collected channel as it is now', async () => {
    await tenant.record('skills', run('lint'));
    const { client, replayed, ack } = await comeBack(['skills.metrics'], {
      'skills.metrics': { epoch: 'another', offset: 1 },
    });

    expect(replayed).toEqual([]);
    expect(ack['recovered']).toBe(false);
    expect(await client.nextOf('skills.metrics')).toMatchObject({ top_skills: [{ skill_name: 'lint' }] });
    await client.close();
  });

  it('from a position that is not known shows nothing of events', async () => {
    await tenant.record('alerts', alert());
    const { client, ack } = await comeBack(['alerts.events'], { 'alerts.events': { epoch: 'another', offset: 1 } });

    expect(ack['recovered']).toBe(false);
    expect(await client.settled()).toEqual([]);
    await client.close();
  });

  it('is of the own tenant: a position says nothing of the same channel of another', async () => {
    const positions = await leave([ORDERS]);
    const other = new TestTenant(app);
    await other.create(ORDERS);
    await other.record('metrics', gauge(ORDERS, { value: 99 }));
    await record(ORDERS, [1]);

    const { client, replayed } = await comeBack([ORDERS], positions);

    expect(valuesOf(replayed)).toEqual([1]);
    await client.close();
  });

  it('loses nothing and doubles nothing, whenever the connection breaks', async () => {
    const total = 1500;
    const received: number[] = [];
    let client = await tenant.watch(encoding);
    let position = positionsIn(await client.subscribe([ORDERS]))[ORDERS]!;
    const writing = (async () => {
      for (let first = 1; first <= total; first += 10) await record(ORDERS, range(10, first));
    })();
    while (received.length < total) {
      const message = await client.next();
      if (message['channel'] === ORDERS && message['value'] !== undefined) {
        received.push(message['value'] as number);
        position = { ...position, offset: message['offset'] as number };
      }
      // Breaks off in the middle of what is on its way.
      if (received.length % 97 !== 0) continue;
      client.wire.socket.terminate();
      client = await tenant.watch(encoding);
      client.send({ type: 'subscribe', data: { channels: [ORDERS], recover: { [ORDERS]: position } } });
    }
    await writing;

    expect(received).toEqual(range(total));
    await client.close();
  });
});
