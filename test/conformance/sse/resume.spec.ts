import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { changeSettings } from '../../support/settings.js';
import { SseClient } from '../../support/sse-client.js';
import type { SseEvent } from '../../support/sse-parser.js';
import { TestTenant, alert, completion, gauge, run } from '../../support/test-tenant.js';

const ORDERS = 'orders.metrics';
const STOCK = 'stock.metrics';
const BOTH = `${ORDERS},${STOCK}`;
const range = (count: number, first = 1) => Array.from({ length: count }, (_, index) => first + index);

describe('a stream that goes on where it was', () => {
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

  const record = (...pairs: [channel: string, value: number][]) =>
    tenant.record(
      'metrics',
      pairs.map(([channel, value]) => gauge(channel, { value })),
    );
  const urlOf = (query: string) => app.url(`/stream/metrics?dialect=channels&token=${tenant.token()}&${query}`);
  /** Connects again as a browser does. */
  const comeBack = (query: string, id: string) => SseClient.open(urlOf(query), { 'Last-Event-ID': id });
  /** All up to the acknowledgement, without the greeting. */
  const upToAck = async (client: SseClient): Promise<SseEvent[]> => {
    await client.next({ type: 'welcome' });
    const events: SseEvent[] = [];
    while (events.at(-1)?.message['type'] !== 'subscribed') events.push(await client.next());
    return events;
  };
  /** The id of the last of these, after which the client is gone. */
  const lastIdOf = async (channels: string, ...pairs: [string, number][]): Promise<string> => {
    const client = await SseClient.open(urlOf(`channels=${channels}`));
    await client.next({ type: 'subscribed' });
    await record(...pairs);
    let id: string | undefined;
    for (const [channel, value] of pairs) ({ id } = await client.next({ channel, value }));
    await client.close();
    return id!;
  };
  const shown = ({ message: { channel, value } }: SseEvent) => [channel, value];

  it('is sent what it missed, with the ids that it had, then the acknowledgement, then what is new', async () => {
    const id = await lastIdOf(ORDERS, [ORDERS, 1], [ORDERS, 2]);
    await record([ORDERS, 3], [ORDERS, 4]);
    const client = await comeBack(`channels=${ORDERS}`, id);
    const events = await upToAck(client);
    await record([ORDERS, 5]);

    expect(events.slice(0, -1).map(shown)).toEqual([
      [ORDERS, 3],
      [ORDERS, 4],
    ]);
    expect(events.map((event) => event.id?.split(':')[1])).toEqual(['4', '5', undefined]);
    expect(events.at(-1)!.message).toMatchObject({
      recovered: true,
      positions: { [ORDERS]: { offset: 5, recovered: true } },
    });
    expect((await client.next()).message).toMatchObject({ value: 5, offset: 6 });
    await client.close();
  });

  it('may say so in its address, where it can send no header', async () => {
    const id = await lastIdOf(ORDERS, [ORDERS, 1]);
    await record([ORDERS, 2]);
    const client = await SseClient.open(urlOf(`channels=${ORDERS}&lastEventId=${encodeURIComponent(id)}`));

    expect((await upToAck(client)).map(shown)).toEqual([
      [ORDERS, 2],
      [undefined, undefined],
    ]);
    await client.close();
  });

  it('of several channels is sent what was published on each after the last one that it got', async () => {
    const id = await lastIdOf(BOTH, [ORDERS, 1], [STOCK, 2], [ORDERS, 3], [STOCK, 4], [STOCK, 5]);
    await record([ORDERS, 6], [STOCK, 7], [ORDERS, 8]);
    const client = await comeBack(`channels=${BOTH}`, id);

    const events = await upToAck(client);
    expect(events.slice(0, -1).map(shown)).toEqual([
      [ORDERS, 6],
      [STOCK, 7],
      [ORDERS, 8],
    ]);
    expect(events.at(-1)!.message).toMatchObject({ recovered: true });
    await client.close();
  });

  it('loses nothing and doubles nothing of several channels, wherever it breaks off', async () => {
    const total = 600;
    const received: unknown[] = [];
    let id: string | undefined;
    let client = await SseClient.open(urlOf(`channels=${BOTH}`));
    await client.next({ type: 'subscribed' });
    const writing = (async () => {
      for (const value of range(total / 5)) {
        await record(
          ...range(5, 5 * value - 4).map((each): [string, number] => [each % 3 === 0 ? STOCK : ORDERS, each]),
        );
      }
    })();
    while (received.length < total) {
      const event = await client.next();
      if (event.message['value'] === undefined) continue;
      received.push(event.message['value']);
      ({ id } = event);
      if (received.length % 37 !== 0) continue;
      client.response.destroy();
      client = await comeBack(`channels=${BOTH}`, id!);
    }
    await writing;

    expect(received).toEqual(range(total));
    await client.close();
  });

  it.each(['no cursor', 'orders.metrics@another-epoch:1', 'other.metrics@e:1', 'x'.repeat(2000)])(
    'from what is not known (%s) begins with what there is now',
    async (id) => {
      await record([ORDERS, 7]);
      const client = await comeBack(`channels=${ORDERS}`, id);

      const [ack, ...others] = await upToAck(client);
      expect(others).toEqual([]);
      expect(ack!.message).toMatchObject({ recovered: false, positions: { [ORDERS]: { recovered: false } } });
      const newest = await client.next();
      expect(newest.message).toMatchObject({ value: 7, offset: 2 });
      // Cut off here, it is to begin with this once more.
      expect(newest.id).toBeUndefined();
      await record([ORDERS, 8]);
      expect((await client.next()).message).toMatchObject({ value: 8 });
      await client.close();
    },
  );

  it('says of each channel whether it could', async () => {
    const id = await lastIdOf(BOTH, [STOCK, 1], [ORDERS, 2]);
    await record(...range(301).map((value): [string, number] => [STOCK, value]), [ORDERS, 3]);
    const client = await comeBack(`channels=${BOTH}`, id);

    const events = await upToAck(client);
    expect(events.slice(0, -1).map(shown)).toEqual([[ORDERS, 3]]);
    expect(events.at(-1)!.message).toMatchObject({
      recovered: false,
      positions: { [STOCK]: { recovered: false }, [ORDERS]: { recovered: true } },
    });
    expect((await client.next()).message).toMatchObject({ channel: STOCK, value: 301 });
    await client.close();
  });

  it('is not sent what is not sent to anybody by now', async () => {
    const id = await lastIdOf(ORDERS, [ORDERS, 1]);
    await record([ORDERS, 2]);
    await changeSettings(app, tenant, { metrics_streaming: false });
    const client = await comeBack(`channels=${ORDERS}`, id);

    const [ack] = await upToAck(client);
    expect(ack!.message).toMatchObject({ type: 'subscribed', recovered: false });
    expect(await client.next()).toMatchObject({ type: 'error', message: { code: 'streaming_disabled' } });
    expect(client.unread).toEqual([]);
    await client.close();
  });

  it('with a time to begin at, is sent the history where it cannot go on, and nothing of it where it can', async () => {
    const since = new Date(Date.now() - 60_000).toISOString();
    const query = `channels=${ORDERS}&since=${since}`;
    const client = await SseClient.open(urlOf(query));
    await client.next({ type: 'subscribed' });
    const first = await client.next({ value: 1 });
    expect(first.id).toBeUndefined();
    await record([ORDERS, 2]);
    const { id } = await client.next({ value: 2 });
    await client.close();
    await record([ORDERS, 3]);

    const back = await comeBack(query, id!);
    expect((await upToAck(back)).map(shown)).toEqual([
      [ORDERS, 3],
      [undefined, undefined],
    ]);
    const anew = await comeBack(query, 'orders.metrics@another:1');
    expect((await upToAck(anew)).map(shown)).toEqual([[undefined, undefined]]);
    for (const value of [1, 2, 3]) expect((await anew.next()).message).toMatchObject({ value });
    await Promise.all([back.close(), anew.close()]);
  });

  it('in workspace is sent the events that it missed', async () => {
    const url = app.url(
      `/stream/metrics?dialect=workspace&event_types=alert,execution_started&token=${tenant.token()}`,
    );
    const client = await SseClient.open(url);
    await client.next({ event: 'subscribed' });
    await tenant.record('alerts', alert({ message: 'one' }));
    const { id } = await client.next({ event: 'alert' });
    await client.close();
    await tenant.record('executions', completion('r', { status: 'started' }));
    await tenant.record('alerts', alert({ message: 'two' }));

    const back = await SseClient.open(url, { 'Last-Event-ID': id! });
    await back.next({ event: 'connected' });
    expect((await back.next()).message).toMatchObject({ event: 'execution_started' });
    expect((await back.next()).message).toMatchObject({ event: 'alert', data: { message: 'two' } });
    expect((await back.next()).message).toMatchObject({ event: 'subscribed' });
    await back.close();
  });

  it.each([
    { dialect: 'skills', type: 'metrics_update' },
    { dialect: 'tools', type: 'metrics' },
  ])('in $dialect is shown the state again', async ({ dialect, type }) => {
    await tenant.record('skills', run('lint'));
    const url = app.url(`/stream/metrics?dialect=${dialect}&token=${tenant.token()}`);
    const client = await SseClient.open(url);
    const { id } = await client.next({ type });
    await client.close();
    const back = await SseClient.open(url, { 'Last-Event-ID': id! });
    const again = await back.next({ type });

    expect(Number(again.id!.split(':')[1])).toBeGreaterThanOrEqual(Number(id!.split(':')[1]));
    await back.close();
  });
});
