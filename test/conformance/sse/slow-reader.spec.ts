import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BROKER, type Broker } from '../../../src/broker/index.js';
import { type Connection, Hub } from '../../../src/hub/index.js';
import type { Message } from '../../../src/protocol/index.js';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { ORDERS, channelName, eventWith, stateFor } from '../../support/publications.js';
import { tenantId } from '../../support/principals.js';
import type { SseClient } from '../../support/sse-client.js';
import { TestTenant } from '../../support/test-tenant.js';

const QUEUE_LIMIT = 1024 * 1024;
/** So that some dozens fill what the kernel keeps between the two ends. */
const LARGE = 'x'.repeat(100_000);
const ALERTS = channelName('alerts.events');

describe.each<Platform>(['express', 'fastify'])('a stream on %s whose client does not read', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: SseClient;
  let connection: Connection;
  beforeEach(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
    tenant = new TestTenant(app);
    await tenant.create(ORDERS);
  });
  afterEach(async () => {
    await client.close();
    await app.close();
  });

  const hub = () => app.app.get(Hub, { strict: false });
  const openStalled = async (channel: string) => {
    client = await tenant.stream(`dialect=channels&channels=${channel}`);
    await client.next({ type: 'subscribed' });
    client.response.pause();
    connection = [...hub().connections.values()][0]!;
  };
  /** Publishes until that is so. What was published when it is, is the result. */
  const publishUntil = async (isReached: () => boolean, of: (count: number) => Message): Promise<number> => {
    const broker = app.app.get<Broker>(BROKER, { strict: false });
    const channel = of(0).kind === 'event' ? ALERTS : ORDERS;
    let count = 0;
    while (!isReached()) {
      await broker.publish([{ tenant: tenantId(tenant.id), channel, message: of(++count) }]);
      // The socket writes, and the hub flushes, between two turns.
      await setImmediate();
      if (count > 2000) throw new Error('nothing holds it back');
    }
    return count;
  };
  const state = (number: number) => stateFor(undefined, { data: { number, text: LARGE } });
  const event = (number: number) => eventWith({ type: 'alert', data: { number, text: LARGE } });

  it('is sent the newest of its states in the end, whole, and few of those between', async () => {
    await openStalled(ORDERS);
    const count = await publishUntil(() => connection.outbox.conflated >= 50, state);
    expect(connection.outbox.queuedBytes).toBeLessThanOrEqual(QUEUE_LIMIT);
    client.response.resume();

    const numbers: number[] = [];
    await client.find(({ message: { number } }) => numbers.push(number as number) > 0 && number === count);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    expect(numbers.length).toBeLessThanOrEqual(count - 50);
    // From then on it is as every other.
    await publishUntil(() => connection.outbox.queuedBytes === 0, state);
    expect(connection.isOpen).toBe(true);
  });

  it('is given up where events fill the limit: it has all of them up to there, and is told', async () => {
    await openStalled(ALERTS);
    await publishUntil(() => !connection.isOpen, event);
    expect(hub().connections.size).toBe(0);
    client.response.resume();

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
    await publishUntil(() => !connection.isOpen, event);
    expect(connection.transport.isClosed).toBe(false);

    await expect.poll(() => connection.transport.isClosed, { timeout: 10_000 }).toBe(true);
  });

  it('costs nobody else anything', async () => {
    await openStalled(ALERTS);
    const other = await tenant.stream('dialect=channels&channels=alerts.events');
    await other.next({ type: 'subscribed' });
    const count = await publishUntil(() => !connection.isOpen, event);

    const numbers: number[] = [];
    await other.find(({ message: { data } }) => numbers.push((data as { number: number }).number) === count);
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    await other.close();
  });

  it('is gone where it ends its side, whatever it has not read', async () => {
    await openStalled(ORDERS);
    await publishUntil(() => connection.outbox.conflated > 0, state);
    client.response.socket.end();

    await expect.poll(() => connection.isOpen).toBe(false);
    expect(connection.transport.isClosed).toBe(true);
    expect(hub().connections.size).toBe(0);
  });
});
