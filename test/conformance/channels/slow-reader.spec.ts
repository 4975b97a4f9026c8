import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { AsyncApi } from '../../support/asyncapi.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { claimOf } from '../../support/claims.js';
import { increaseOf, mistakesIn, newestIn } from '../../support/merged-stream.js';
import { eventWith, sampleWith, stateFor } from '../../support/publications.js';
import { LARGE, StallingReader } from '../../support/stalling-reader.js';
import { TestTenant, alert, gauge } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const LIMIT = 1024 * 1024;
const CHANNELS = ['orders.metrics', 'queue.metrics', 'alerts.events'];
const FILLER = 'filler.metrics';
const SOME = expect.any(Number) as number;

let app: TestApp;
let tenant: TestTenant;
/** Reads on all the time. */
let quick: ChannelsClient;
let slow: ChannelsClient;
let reader: StallingReader;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET } });
});
afterAll(() => app.close());

describe.each(ENCODINGS)('a WebSocket over %s whose client stops reading', (encoding) => {
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create(FILLER, 'orders.metrics', 'queue.metrics');
    quick = await tenant.watch(encoding);
    await quick.subscribe(CHANNELS);
    slow = await tenant.watch(encoding);
    await slow.subscribe([...CHANNELS, FILLER]);
    reader = new StallingReader(app, tenant, slow.wire.socket);
    return async () => {
      slow.wire.socket.terminate();
      await quick.close();
    };
  });

  it('is sent the newest state, which says for how many it stands', async () => {
    await reader.stall(FILLER);
    for (let number = 1; number <= 20; number++) await publishState({ data: { number } });
    const [seen] = await readOn();

    expect(seen.at(-1)).toMatchObject({ channel: 'queue.metrics', number: 20, conflated: SOME });
    expect(seen.length).toBeLessThan(10);
    expect(publicationsIn(seen)).toBe(20);
  });

  it('is behind as soon as it answers no pings, though the kernel would take all that there is', async () => {
    slow.wire.socket.pause();
    let number = 0;
    while (reader.connection.outbox.conflated === 0) {
      await publishState({ data: { number: ++number, text: 'x'.repeat(2000) } });
      await setTimeout(10);
    }
    expect(reader.connection.transport.bufferedBytes).toBe(0);
    // Five seconds until the next ping, and two at most until its answer is late, at a hundred a second.
    expect(number).toBeLessThan(700);
    const [seen] = await readOn();

    expect(seen.at(-1)).toMatchObject({ number, conflated: SOME });
    expect(publicationsIn(seen)).toBe(number);
  });

  it('is sent the newest state as points, each of which says for how many it stands', async () => {
    await slow.subscribe(['queue.metrics'], { format: 'points' });
    await reader.stall(FILLER);
    for (let value = 1; value <= 20; value++) {
      await publishState({ points: () => ['waiting', 'running'].map((name) => sampleWith({ name, value })) });
    }
    const [seen] = await readOn();

    for (const name of ['waiting', 'running']) {
      const own = seen.filter((point) => point['name'] === name);
      expect(own.at(-1)).toMatchObject({ value: 20, conflated: SOME });
      expect(publicationsIn(own)).toBe(20);
    }
    expect(seen.at(-1)!['offset']).toBe(seen.at(-2)!['offset']);
  });

  it('is sent the last value of a gauge, of each set of tags', async () => {
    await reader.stall(FILLER);
    const shops = ['north', 'south'];
    for (let value = 1; value <= 20; value++) {
      await record(...shops.map((shop) => gauge('orders.metrics', { value, tags: { shop } })));
    }
    const [seen] = await readOn();

    for (const shop of shops) {
      const own = seen.filter(({ tags }) => (tags as { shop: string }).shop === shop);
      expect(own.at(-1)).toMatchObject({ value: 20, tags: { shop }, conflated: SOME });
      expect(publicationsIn(own)).toBe(20);
    }
  });

  it('is sent what a counter has reached, and no increase is lost where it began anew', async () => {
    await record(...values('counter', 10));
    await slow.next({ type: 'counter' });
    await reader.stall(FILLER);
    // It falls three times, and then rises above what it had reached: who is sent the last alone sees no fall.
    await record(...values('counter', 4, 20, 3, 30, 31, 5));
    await record(...values('counter', 32, 33, 34, 40, 50, 60));
    const [seen] = await readOn();

    expect(seen.at(-1)).toMatchObject({ value: 60, conflated: SOME });
    expect(increaseOf([{ value: 10 }, ...seen])).toBe(4 + 16 + 3 + 28 + 5 + 55);
    expect(publicationsIn(seen)).toBe(12);
    expect(seen.length).toBeLessThan(12);
  });

  it('is sent the observations of a histogram as one distribution', async () => {
    await reader.stall(FILLER);
    const observations = Array.from({ length: 200 }, (_, index) => ((index * 37) % 200) + 1);
    await record(...values('histogram', ...observations.slice(0, 150)));
    await record(...values('histogram', ...observations.slice(150)));
    const [seen, all] = await readOn();

    const merged = seen.filter(({ conflated }) => conflated !== undefined);
    expect(merged).not.toEqual([]);
    for (const { count, conflated, value, p50 } of merged) expect([count, value]).toEqual([conflated, p50]);
    expect(publicationsIn(seen)).toBe(200);
    const sum = seen.reduce((total, frame) => total + ((frame['sum'] ?? frame['value']) as number), 0);
    expect(sum).toBeCloseTo((200 * 201) / 2, 6);
    // Its extremes and quantiles, and all else that a frame says.
    expect(mistakesIn(seen, all)).toEqual([]);
  });

  it('is sent every event, in order and unmerged', async () => {
    await reader.stall(FILLER);
    const alerts = Array.from({ length: 50 }, (_, index) => alert({ message: `number ${index}` }));
    await tenant.record('alerts', alerts.slice(0, 20));
    await record(...values('gauge', 1, 2, 3));
    await tenant.record('alerts', alerts.slice(20));
    const [seen, all] = await readOn();

    const isEvent = ({ channel }: WireMessage) => channel === 'alerts.events';
    expect(all.filter(isEvent)).toHaveLength(50);
    expect(seen.filter(isEvent)).toEqual(all.filter(isEvent));
  });

  it('is sent an answer where it was given: after what was published before, and before what came after', async () => {
    await tenant.create('stock.metrics');
    await reader.stall(FILLER);
    await record(...values('gauge', 1, 2, 3));
    slow.send({ type: 'subscribe', id: 'late', data: { channels: ['stock.metrics'] } });
    await expect.poll(() => reader.connection.channels, { interval: 5 }).toContain('stock.metrics');
    await record(gauge('stock.metrics'));
    const [seen] = await readOn();

    const answer = seen.findIndex(({ id }) => id === 'late');
    expect(seen[answer - 1]).toMatchObject({ channel: 'orders.metrics', value: 3 });
    expect(seen.slice(answer + 1)).toMatchObject([{ channel: 'stock.metrics', value: 1 }]);
  });

  it('loses nothing of a mixture, and is sent each by itself again once it has caught up', async () => {
    await reader.stall(FILLER);
    for (let round = 1; round <= 30; round++) {
      await record(
        ...values('gauge', round, -round),
        ...values('counter', round % 7, (round % 7) + 1),
        ...values('histogram', round, 1 / round, 0, -round),
      );
      await tenant.record('alerts', alert({ message: `number ${round}` }));
      await publishState({ data: { round } });
    }
    const [seen, all] = await readOn();
    expect(mistakesIn(seen, all)).toEqual([]);
    expect(newestIn(seen)).toEqual(newestIn(all));
    expect(seen.length).toBeLessThan(all.length);
    const api = await AsyncApi.read();
    expect(seen.flatMap((frame) => api.differences(frame, claimOf('channels', frame)))).toEqual([]);

    await record(...values('gauge', 1, 2), ...values('counter', 100, 101), ...values('histogram', 1, 2));
    await publishState({ data: { round: 31 } });
    await publishState({ data: { round: 32 } });
    const after = await slow.settled();
    expect(after).toHaveLength(8);
    expect(after).toEqual(await quick.settled());
  });

  it('costs nobody else anything: who keeps up is sent each by itself, however many there are', async () => {
    await reader.stall(FILLER);
    const rounds = Array.from({ length: 20 }, (_, round) => values('gauge', ...Array<number>(500).fill(round)));
    for (const round of rounds) await record(...round);
    const all = await quick.settled();

    expect(all.map(({ value }) => value)).toEqual(rounds.flat().map(({ value }) => value));
    expect(all.filter((frame) => 'conflated' in frame)).toEqual([]);
    expect(reader.connection.isOpen).toBe(true);
  });

  it('is given up where events fill the limit: it has all of them up to there, and is told', async () => {
    slow.wire.socket.pause();
    const event = (number: number) => eventWith({ type: 'alert', data: { number, text: LARGE } });
    const count = await reader.publishUntil(() => !reader.connection.isOpen, 'alerts.events', event);
    reader.readOn();

    expect(await slow.closed).toEqual({ code: 4508, reason: 'slow consumer' });
    const numbers = slow.wire.unread.map(numberIn);
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect((count - numbers.length) * LARGE.length).toBeGreaterThan(LIMIT - LARGE.length);
    expect((count - numbers.length) * LARGE.length).toBeLessThan(LIMIT + 3 * LARGE.length);
    expect((await quick.settled()).map(numberIn)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it('is given up where 20,000 series wait, though newer values could take the place of each', async () => {
    const begun = performance.now();
    await reader.stall(FILLER);
    const series = Array.from({ length: 20_001 }, (_, number) => sampleWith({ name: `series ${number}` }));
    await reader.publish(FILLER, ...series);
    await expect.poll(() => reader.connection.isOpen).toBe(false);
    reader.readOn();

    expect(await slow.closed).toEqual({ code: 4508, reason: 'slow consumer' });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

it('a WebSocket for which more than the limit waits is given up after 10 seconds, and not before', async () => {
  tenant = new TestTenant(app);
  await tenant.create(FILLER);
  slow = await tenant.watch();
  await slow.subscribe([FILLER]);
  reader = new StallingReader(app, tenant, slow.wire.socket);
  await reader.stall(FILLER);
  let before = 0;
  const isFull = () => {
    if (reader.connection.outbox.queuedBytes <= LIMIT) before = performance.now();
    return reader.connection.outbox.queuedBytes > LIMIT;
  };
  await reader.publishUntil(isFull, FILLER, largeSeries);
  expect(reader.connection.isOpen).toBe(true);

  await expect.poll(() => reader.connection.isOpen, { timeout: 15_000, interval: 20 }).toBe(false);
  expect(performance.now() - before).toBeGreaterThanOrEqual(9999);
  reader.readOn();
  expect(await slow.closed).toEqual({ code: 4508, reason: 'slow consumer' });
});

/** Each of a series of its own. */
function largeSeries(number: number) {
  return sampleWith({ name: `series ${number}`, tags: { text: LARGE } });
}

function values(type: string, ...all: number[]) {
  return all.map((value) => gauge('orders.metrics', { type, value }));
}

function publishState(particulars: Parameters<typeof stateFor>[1]): Promise<void> {
  return reader.publish('queue.metrics', stateFor(undefined, particulars));
}

async function record(...items: object[]): Promise<void> {
  expect(await tenant.record('metrics', items)).toMatchObject({ status: 202, body: { rejected: [] } });
}

/** What both have been sent since the one stopped reading, but for what made it wait. */
async function readOn(): Promise<[seen: WireMessage[], all: WireMessage[]]> {
  reader.readOn();
  const seen = await slow.settled();
  return [seen.filter(({ channel }) => channel !== FILLER), await quick.settled()];
}

function publicationsIn(frames: readonly WireMessage[]): number {
  return frames.reduce((sum, { conflated = 1 }) => sum + (conflated as number), 0);
}

function numberIn({ data }: WireMessage): number {
  return (data as { number: number }).number;
}
