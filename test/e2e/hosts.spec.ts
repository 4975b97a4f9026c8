import Module from 'node:module';
import { Body, Controller, Injectable, Post, VersioningType } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { MetricastOptions } from 'nestjs-metricast';
import { afterEach, describe, expect, it } from 'vitest';
import { type Platform } from '../support/app.js';
import { QUIET, RunningHost, createHost, hostModule } from '../support/host.js';
import { WireClient } from '../support/wire-client.js';

const TEST_RUN = { skill_name: 'pytest-run', completed: true };
const TAKEN = [202, { accepted: 1, rejected: [] }];

@WebSocketGateway({ path: '/shop' })
class ShopGateway {
  @SubscribeMessage('greet')
  greet(@MessageBody() name: string): object {
    return { event: 'greeting', data: `Hello ${name}` };
  }
}

describe.each<Platform>(['express', 'fastify'])('on %s', (platform) => {
  const running: RunningHost[] = [];

  afterEach(async () => {
    await Promise.all(running.splice(0).map((host) => host.close()));
  });

  const listen = async (module = hostModule(), configure: Configure = () => undefined) => {
    const app = await createHost(platform, module);
    configure(app);
    const host = await RunningHost.listen(app);
    running.push(host);
    return host;
  };

  it('a host with nothing of its own has our sockets and no others', async () => {
    const host = await listen();
    const client = await WireClient.open(host.url('/ws/metrics', 'ws'));

    expect(await client.next()).toMatchObject({ type: 'welcome' });
    expect((await fetch(host.url('/socket.io/?EIO=4&transport=polling'))).status).toBe(404);
    expect(await WireClient.refusedWith(host.url('/socket.io/?EIO=4&transport=websocket', 'ws'))).toBe(404);
    expect(await WireClient.refusedWith(host.url('/ws/unknown', 'ws'))).toBe(404);
  });

  it('a host without a ScheduleModule streams what is collected', async () => {
    const host = await listen();
    const client = await WireClient.open(host.url('/ws/metrics', 'ws'));
    client.send({ type: 'subscribe', data: { channels: ['system.metrics'] } });

    expect(await client.next({ channel: 'system.metrics' })).toMatchObject({ cpu: expect.anything() });
  });

  it('a host with a ScheduleModule keeps the jobs that it has', async () => {
    @Injectable()
    class Job {
      @Interval('hourly', 3_600_000)
      run(): void {}
    }
    const host = await listen(hostModule({ imports: [ScheduleModule.forRoot()], providers: [Job] }));

    const names = host.app.get(SchedulerRegistry).getIntervals();
    expect(names.filter((name) => !name.startsWith('metricast:'))).toEqual(['hourly']);
  });

  it('a host that has no Socket.IO installed has its gateway served by plain WebSockets', async () => {
    const resolver = Module as unknown as { _resolveFilename(name: string, ...rest: unknown[]): string };
    const resolve = resolver._resolveFilename.bind(resolver);
    resolver._resolveFilename = (name, ...rest) => {
      if (name !== '@nestjs/platform-socket.io') return resolve(name, ...rest);
      throw Object.assign(new Error(`Cannot find module ${name}`), { code: 'MODULE_NOT_FOUND' });
    };
    const host = await listen(hostModule({ providers: [ShopGateway] })).finally(() => {
      resolver._resolveFilename = resolve;
    });
    const shop = await WireClient.open(host.url('/shop', 'ws'));

    shop.send({ event: 'greet', data: 'Ada' });
    expect(await shop.next()).toEqual({ event: 'greeting', data: 'Hello Ada' });
  });

  it('a host that has set an adapter has its gateway served by it, beside ours', async () => {
    const host = await listen(hostModule({ providers: [ShopGateway] }), (app) =>
      app.useWebSocketAdapter(new WsAdapter(app)),
    );
    const [shop, ours] = await Promise.all([
      WireClient.open(host.url('/shop', 'ws')),
      WireClient.open(host.url('/ws/metrics', 'ws')),
    ]);

    shop.send({ event: 'greet', data: 'Ada' });
    expect(await shop.next()).toEqual({ event: 'greeting', data: 'Hello Ada' });
    ours.send({ type: 'ping', id: 1 });
    expect(await ours.next({ type: 'pong' })).toMatchObject({ id: 1 });
    // What the host's adapter does on a path of nobody's is its own affair.
    await expect(WireClient.open(host.url('/nowhere', 'ws'))).rejects.toThrow();
  });

  it("a host's own route beside ours gets its body by the platform's parser", async () => {
    @Controller('ingest')
    class IngestController {
      @Post('orders')
      take(@Body() body: unknown): unknown {
        return body;
      }
    }
    const host = await listen(hostModule({ controllers: [IngestController] }));

    expect(await host.post('/ingest/orders', { item: 'tea' })).toEqual([201, { item: 'tea' }]);
    expect(await host.post('/ingest/skills', TEST_RUN)).toEqual(TAKEN);
  });

  it('a host may exempt our paths from its prefix', async () => {
    const host = await listen(hostModule(), (app) =>
      app.setGlobalPrefix('/api/', { exclude: ['health', 'ingest/skills'] }),
    );

    expect((await fetch(host.url('/health/live'))).status).toBe(404);
    expect(await host.get('/api/health/live')).toEqual([200, { status: 'ok' }]);
    expect(await host.get('/health')).toEqual([200, expect.objectContaining({ status: 'ok' })]);
    expect(await host.post('/ingest/skills', TEST_RUN)).toEqual(TAKEN);
    expect(await host.post('/api/ingest/metrics', {})).toEqual([400, expect.anything()]);
  });

  it('a host that versions its routes leaves ours where they are', async () => {
    const host = await listen(hostModule(), (app) =>
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    );

    expect(await host.get('/health/live')).toEqual([200, { status: 'ok' }]);
    expect(await host.post('/ingest/skills', TEST_RUN)).toEqual(TAKEN);
  });

  it('a host in a testing module has everything as well', async () => {
    const testing = await Test.createTestingModule({ imports: [hostModule()] }).compile();
    const app =
      platform === 'express'
        ? testing.createNestApplication(QUIET)
        : testing.createNestApplication(new FastifyAdapter(), QUIET);
    const host = await RunningHost.listen(app);
    running.push(host);
    const client = await WireClient.open(host.url('/ws/skills', 'ws'));

    expect(await client.next()).toMatchObject({ type: 'connected' });
    expect(await host.post('/ingest/skills', { ...TEST_RUN, padding: 'x'.repeat(2_000_000) })).toEqual(TAKEN);
  });

  describe('does not start', () => {
    it.each(['0.0.0.0', '::'])('without a secret on %s, where others can reach it', async (address) => {
      const app = await createHost(platform, hostModule());

      await expect(app.listen(0, address)).rejects.toThrow(/JWT_SECRET_KEY.*auth\.secret.*missing/);
      expect((app.getHttpServer() as { listening: boolean }).listening).toBe(false);
      await app.close();
    });

    it('without a secret in production', async () => {
      process.env['NODE_ENV'] = 'production';
      try {
        const app = await createHost(platform, hostModule());
        await expect(app.listen(0, '127.0.0.1')).rejects.toThrow(/JWT_SECRET_KEY.*missing.*production/);
        await app.close();
      } finally {
        process.env['NODE_ENV'] = 'test';
      }
    });

    it.each<[option: string, options: Record<string, unknown>]>([
      ['auth', { auth: { secret: 'too short' } }],
      ['auth', { auth: { algorithm: 'none' } }],
      ['auth', { auth: { algorithm: 'RS256', publicKey: 'no key' } }],
      ['database', { database: 'mysql://localhost' }],
      ['database', { database: 'sqlite:/dev/null/not-a-directory/metrics.db' }],
      ['endpoints', { endpoints: { 'no-slash': 'skills' } }],
      ['endpoints', { endpoints: { '/ws': 'klingon' } }],
      ['heartbeatInterval', { heartbeatInterval: 0 }],
      ['updateInterval', { updateInterval: 'often' }],
      ['maxMessagesPerMinute', { maxMessagesPerMinute: -1 }],
      ['tags', { tags: { env: 5 } }],
    ])('with a wrong option, and says that it is %s', async (option, options) => {
      await expect(createHost(platform, hostModule({}, options as MetricastOptions))).rejects.toThrow(
        new RegExp(`^Metricast option ${option}: .+`),
      );
    });
  });

  it('starts where others can reach it with a secret', async () => {
    const app = await createHost(
      platform,
      hostModule({}, { auth: { secret: 'a secret of 32 bytes or more, indeed' } }),
    );
    await app.listen(0, '0.0.0.0');

    expect((app.getHttpServer() as { listening: boolean }).listening).toBe(true);
    await app.close();
  });
});

type Configure = (app: Awaited<ReturnType<typeof createHost>>) => unknown;
