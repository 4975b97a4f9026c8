import { SchedulerRegistry } from '@nestjs/schedule';
import { type Socket, io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform } from '../support/app.js';
import { type RunningHost, Scratch } from '../support/host.js';
import { TEA, startShop } from '../support/shop.js';
import { WireClient, type WireMessage } from '../support/wire-client.js';

describe.each<Platform>(['express', 'fastify'])('the example host on %s', (platform) => {
  const scratch = new Scratch();
  let host: RunningHost;

  beforeAll(async () => {
    host = await startShop(platform, scratch);
  });

  afterAll(async () => {
    await host.close();
    scratch.remove();
  });

  const channels = () => WireClient.open(host.url('/ws/metrics', 'ws'));
  const socketIo = (transports: string[]) => io(host.url('/'), { transports, reconnection: false });

  describe('its gateway', () => {
    it.each(['websocket', 'polling'])('answers over Socket.IO by %s, in its own words', async (transport) => {
      const [, placed] = await host.post('/api/orders', TEA);
      const { id } = (placed as { data: { id: number } }).data;
      const socket = socketIo([transport]);

      expect(await socket.emitWithAck('find', { id })).toMatchObject({ data: { id, item: 'tea' } });
      socket.close();
    });

    it('upgrades a polling Socket.IO client to a WebSocket', async () => {
      const socket = socketIo(['polling', 'websocket']);
      await new Promise<void>((resolve) => socket.io.engine.once('upgrade', () => resolve()));

      expect(socket.io.engine.transport.name).toBe('websocket');
      expect(await socket.emitWithAck('find', { id: 1 })).toHaveProperty('data');
      socket.close();
    });

    it('keeps its clients while ours come and go', async () => {
      const socket = socketIo(['websocket']);
      await nextEvent(socket, 'connect');
      const client = await channels();
      await client.next({ type: 'welcome' });
      await client.close();

      expect(await socket.emitWithAck('find', { id: 1 })).toHaveProperty('data');
      socket.close();
    });
  });

  describe('our sockets', () => {
    it('open on their paths, without the prefix', async () => {
      const [metrics, skills] = await Promise.all([channels(), WireClient.open(host.url('/ws/skills', 'ws'))]);

      expect(await metrics.next()).toMatchObject({ type: 'welcome', tenant_id: 'local' });
      expect(await skills.next()).toMatchObject({ type: 'connected', authenticated: false });
      await Promise.all([metrics.close(), skills.close()]);
    });

    it("speak as documented: the host's pipe, guard, filter and interceptor are not for them", async () => {
      const client = await channels();
      await client.next({ type: 'welcome' });

      client.send({ type: 'subscribe', id: 1, data: { channels: ['orders.metrics', 'no such'] }, surplus: true });
      expect(await client.next()).toEqual({
        type: 'error',
        message: 'Invalid subscription: unknown channel',
        code: 'unknown_channel',
        id: 1,
      });
      expect(await client.next()).toMatchObject({ type: 'subscribed', id: 1, channels: ['orders.metrics'] });

      client.send({ type: 'nonsense' });
      expect(await client.next({ type: 'error' })).toEqual({
        type: 'error',
        message: 'Unknown message type',
        code: 'unknown_type',
      });
      client.send({ type: 'unsubscribe', id: 'x' });
      expect(await client.next({ type: 'unsubscribed' })).toEqual({ type: 'unsubscribed', id: 'x', channels: [] });
      await client.close();
    });

    it("stream what the host's collector returns, as states and as points", async () => {
      const [states, points] = await Promise.all([channels(), channels()]);
      states.send({ type: 'subscribe', data: { channels: ['orders.metrics'] } });
      points.send({ type: 'subscribe', data: { channels: ['orders.metrics'], format: 'points' } });

      expect(await states.find((message) => 'orders' in message)).toMatchObject({
        channel: 'orders.metrics',
        orders: { waiting: expect.any(Number), shipped: expect.any(Number) },
        tags: { service: 'shop' },
      });
      const point = { channel: 'orders.metrics', value: expect.any(Number), tags: { service: 'shop' } };
      expect(await points.next({ name: 'orders.waiting' })).toMatchObject({ ...point, type: 'gauge' });
      expect(await points.next({ name: 'orders.shipped' })).toMatchObject({ ...point, type: 'counter' });
      await Promise.all([states.close(), points.close()]);
    });

    it('bring what the host records in process to subscribers', async () => {
      const [client, skills] = await Promise.all([channels(), WireClient.open(host.url('/ws/skills', 'ws'))]);
      client.send({ type: 'subscribe', data: { channels: ['orders.metrics'], tags: { item: 'coffee' } } });
      await client.next({ type: 'subscribed' });

      await host.post('/api/orders', { ...TEA, item: 'coffee', amount: 3 });

      expect(await client.next({ name: 'order.amount' })).toMatchObject({
        channel: 'orders.metrics',
        type: 'histogram',
        value: 3,
        tags: { item: 'coffee' },
      });
      await skills.find((message) => JSON.stringify(message).includes('"skill_name":"ship-order"'));
      await Promise.all([client.close(), skills.close()]);
    });
  });

  describe('its schedule', () => {
    it('runs each of its jobs once per interval', async () => {
      const socket = socketIo(['websocket']);
      const shipped: { id: number; shippedAt: string }[] = [];
      const five = new Promise<void>((resolve) => {
        socket.on('shipped', (order: (typeof shipped)[number]) => {
          if (shipped.push(order) === 5) resolve();
        });
      });
      await nextEvent(socket, 'connect');
      await Promise.all([1, 2, 3, 4, 5].map(() => host.post('/api/orders', TEA)));
      await five;

      const times = shipped.map(({ shippedAt }) => Date.parse(shippedAt));
      const gaps = times.slice(1).map((time, index) => time - times[index]!);
      // A timer is never early by more than a rounding, so two that are closer are not of the same timer.
      expect(Math.min(...gaps)).toBeGreaterThan(200);
      socket.close();
    });

    it('lists our jobs', async () => {
      const jobs = () => host.app.get(SchedulerRegistry).getIntervals();
      const client = await channels();
      client.send({ type: 'subscribe', data: { channels: ['orders.metrics'] } });
      await client.next({ type: 'subscribed' });

      expect(jobs()).toEqual(
        expect.arrayContaining(['orders.shipping', 'metricast:liveness', expect.stringMatching(/^metricast:tick:/)]),
      );
      await client.close();
    });
  });

  it('says 1001 to our clients when it closes, and is soon closed', async () => {
    const other = await startShop(platform, scratch, 'closing');
    const clients = await Promise.all(
      ['/ws/metrics', '/ws/skills'].map((path) => WireClient.open(other.url(path, 'ws'))),
    );
    const socket = io(other.url('/'), { transports: ['websocket'], reconnection: false });
    await nextEvent(socket, 'connect');
    await other.get('/api/health');

    const startedAt = performance.now();
    await other.close();

    expect(performance.now() - startedAt).toBeLessThan(1500);
    for (const { closed } of clients) expect(await closed).toEqual({ code: 1001, reason: 'server shutting down' });
  });
});

function nextEvent(socket: Socket, name: string): Promise<WireMessage> {
  return new Promise((resolve) => socket.once(name, resolve));
}
