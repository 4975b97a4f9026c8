import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { increaseOf } from '../../support/merged-stream.js';
import { ORDERS, eventWith, stateFor } from '../../support/publications.js';
import type { SseClient } from '../../support/sse-client.js';
import { LARGE, StallingReader } from '../../support/stalling-reader.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

const QUEUE_LIMIT = 1024 * 1024;
const ALERTS = 'alerts.events';

describe.each<Platform>(['express', 'fastify'])('a stream on %s whose client does not read', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: SseClient;
  let reader: StallingReader;
  beforeEach(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
    tenant = new TestTenant(app);
    await tenant.create(ORDERS, 'filler.metrics');
  });
  afterEach(async () => {
    await client.close();
    await app.close();
  });

  const hub = () => app.app.get(Hub, { strict: false });
  const open = async (...channels: string[]) => {
    client = await tenant.stream(`dialect=channels&channels=${channels.join()}`);
    await client.next({ type: 'subscribed' });
    reader = new StallingReader(app, tenant, client.response);
  };
  const openStalled = async (channel: string) => {
    await open(channel);
    client.response.pause();
  };
  /** Publishes until that is so. What was published when it is, is the result. */
  const publishUntil = (isReached: () => boolean, of: typeof state | typeof event) =>
    reader.publishUntil(isReached, of === event ? ALERTS : ORDERS, of);
  const state = (number: number) => stateFor(undefined, { data: { number, text: LARGE } });
  const event = (number: number) => eventWith({ type: 'alert', data: { number, text: LARGE } });

  it('is sent the newest of its states in the end, whole, and few of those between', async () => {
    await openStalled(ORDERS);
    const count = await publishUntil(() => reader.connection.outbox.conflated >= 50, state);
    expect(reader.connection.outbox.queuedBytes).toBeLessThanOrEqual(QUEUE_LIMIT);
    reader.readOn();

    const seen: WireMessage[] = [];
    await client.find(({ message }) => seen.push(message) > 0 && message['number'] === count);
    const numbers = seen.map(({ number }) => number as number);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    expect(numbers.length).toBeLessThanOrEqual(count - 50);
    // Each says for how many it stands: itself, and those that it replaced.
    const steps = numbers.map((number, index) => number - (numbers[index - 1] ?? 0));
    expect(seen.map(({ conflated }) => conflated)).toEqual(steps.map((step) => (step > 1 ? step : undefined)));
    // From then on it is as every other.
    await publishUntil(() => reader.connection.outbox.queuedBytes === 0, state);
    expect(reader.connection.isOpen).toBe(true);
  });

  it('is sent the last value of a gauge, all increases of a counter, a histogram as one distribution', async () => {
    await open(ORDERS, 'filler.metrics');
    await reader.stall('filler.metrics');
    const values = (type: string, ...all: number[]) => all.map((value) => gauge(ORDERS, { type, value }));
    const { status } = await tenant.record('metrics', [
      ...values('gauge', 1, 2, 3),
      ...values('counter', 10, 20, 5, 30, 40),
      ...values('histogram', 8, 2, 4, 6),
    ]);
    expect(status).toBe(202);
    reader.readOn();

    const seen: WireMessage[] = [];
    const last = await client.find(({ message }) => {
      if (message['channel'] === ORDERS) seen.push(message);
      return message['type'] === 'histogram';
    });
    const of = (type: string) => seen.filter((message) => message['type'] === type);
    expect(of('gauge')).toMatchObject([{ value: 3, conflated: 3 }]);
    // The first, where it fell from, where it began anew, the newest.
    expect(of('counter')).toMatchObject([{ value: 10 }, { value: 20 }, { value: 5 }, { value: 40, conflated: 2 }]);
    expect(increaseOf(of('counter'))).toBe(10 + 5 + 35);
    expect(last.message).toMatchObject({ conflated: 4, count: 4, sum: 20, min: 2, max: 8 });
    expect(last.message['p50']).toBeCloseTo(4, 1);
    expect(last.message['value']).toBe(last.message['p50']);
  });

  it('is given up where events fill the limit: it has all of them up to there, and is told', async () => {
    await openStalled(ALERTS);
    await publishUntil(() => !reader.connection.isOpen, event);
    expect(hub().connections.size).toBe(0);
    reader.readOn();

    const numbers: number[] = [];
    const last = await client.find(({ type, message: { data } }) => {
      if (type === 'error') return true;
      numbers.push((data as { number: number }).number);
      return false;
    });
    expect(last.message).toEqual({ code: 4508, reason: 'slow consumer', reconnect: true });
    expect(client.retry).not.toBe(3000);
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    await client.closed;
  });

  it('is let go of where it never reads again', async () => {
    await openStalled(ALERTS);
    await publishUntil(() => !reader.connection.isOpen, event);
    expect(reader.connection.transport.isClosed).toBe(false);

    await expect.poll(() => reader.connection.transport.isClosed, { timeout: 10_000 }).toBe(true);
  });

  it('costs nobody else anything', async () => {
    await openStalled(ALERTS);
    const other = await tenant.stream('dialect=channels&channels=alerts.events');
    await other.next({ type: 'subscribed' });
    const count = await publishUntil(() => !reader.connection.isOpen, event);

    const numbers: number[] = [];
    await other.find(({ message: { data } }) => numbers.push((data as { number: number }).number) === count);
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    await other.close();
  });

  it('is gone where it ends its side, whatever it has not read', async () => {
    await openStalled(ORDERS);
    await publishUntil(() => reader.connection.outbox.conflated > 0, state);
    client.response.socket.end();

    await expect.poll(() => reader.connection.isOpen).toBe(false);
    expect(reader.connection.transport.isClosed).toBe(true);
    expect(hub().connections.size).toBe(0);
  });
});
