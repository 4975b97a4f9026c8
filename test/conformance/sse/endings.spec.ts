import { Controller, Get } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { Reception } from '../../../src/transports/connections/index.js';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RunningHost, createHost, hostModule } from '../../support/host.js';
import { RawHttp } from '../../support/raw-http.js';
import type { SseClient } from '../../support/sse-client.js';
import { TestTenant } from '../../support/test-tenant.js';

const DIALECTS = ['tools', 'skills', 'routing', 'workspace', 'channels'];
const GOING_AWAY = { code: 1001, reason: 'server shutting down', reconnect: true };

describe('a client that goes away', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  const connections = async () => {
    const response = await fetch(app.url('/health'));
    return ((await response.json()) as { connections: number }).connections;
  };

  it('is gone from the connections of /health, where it was', async () => {
    const tenant = new TestTenant(app);
    expect(await connections()).toBe(0);
    const clients = await Promise.all(DIALECTS.map((dialect) => tenant.stream(`dialect=${dialect}`)));
    await Promise.all(clients.filter((_, at) => DIALECTS[at] !== 'routing').map((client) => client.next()));
    expect(await connections()).toBe(clients.length);
    await clients[0]!.close();

    await expect.poll(connections).toBe(clients.length - 1);
    await Promise.all(clients.slice(1).map((client) => client.close()));
    await expect.poll(connections).toBe(0);
  });

  it('watches nothing any more: what nobody else wants is not collected', async () => {
    const tenant = new TestTenant(app);
    const hub = app.app.get(Hub, { strict: false });
    const client = await tenant.stream('dialect=channels&channels=system.metrics');
    await client.next({ channel: 'system.metrics' });
    const { tenant: id } = [...hub.connections.values()][0]!.principal;
    expect(hub.audiences.isWatched(id, 'system.metrics' as never)).toBe(true);
    await client.close();

    await expect.poll(() => hub.audiences.isWatched(id, 'system.metrics' as never)).toBe(false);
  });

  it('is gone where it ends its side alone', async () => {
    const raw = await RawHttp.open(app.port, true);
    raw.send(`GET /stream/metrics?token=${new TestTenant(app).token()} HTTP/1.1`);
    await raw.until('"type":"metrics"');
    expect(await connections()).toBe(1);
    raw.socket.end();

    await expect.poll(connections).toBe(0);
    await raw.closed;
  });
});

describe.each<Platform>(['express', 'fastify'])('a server on %s that shuts down', (platform) => {
  const running: TestApp[] = [];
  afterEach(() => Promise.all(running.splice(0).map((app) => app.close())));

  const endOf = async (client: SseClient) => {
    await client.closed;
    return client.unread.at(-1);
  };

  it('ends every stream: why, and when to come back, spread over some seconds', async () => {
    const app = await TestApp.start({ auth: { secret: SECRET } }, platform);
    const tenant = new TestTenant(app);
    const clients = await Promise.all([...DIALECTS, ...DIALECTS].map((dialect) => tenant.stream(`dialect=${dialect}`)));
    const began = performance.now();
    await app.close();

    // What keeps a server from closing are the peers that do not go: none of these.
    expect(performance.now() - began).toBeLessThan(1500);
    for (const client of clients) {
      expect(await endOf(client)).toMatchObject({ type: 'error', id: undefined, lines: 1, message: GOING_AWAY });
      expect(client.retry).toBeGreaterThanOrEqual(1000);
      expect(client.retry).toBeLessThanOrEqual(6000);
    }
    expect(new Set(clients.map(({ retry }) => retry)).size).toBeGreaterThan(1);
  });

  it('does not wait for a client that does not read', async () => {
    const app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 }, platform);
    const client = await new TestTenant(app).stream('dialect=tools');
    await client.next({ type: 'metrics' });
    client.response.pause();
    const raw = await RawHttp.open(app.port, true);
    raw.send(`GET /stream/metrics?token=${new TestTenant(app).token()} HTTP/1.1`);
    await raw.until('"type":"metrics"');
    raw.socket.pause();
    const began = performance.now();
    await app.close();

    expect(performance.now() - began).toBeLessThan(4000);
    raw.close();
    await client.close();
  });

  it('begins none whose turn comes only then', async () => {
    @Controller('slow')
    class SlowController {
      /** Answers when the server has begun to shut down. */
      @Get()
      async answer(): Promise<string> {
        const reception = app.get(Reception, { strict: false });
        while (!reception.isDraining) await new Promise(setImmediate);
        return 'at last';
      }
    }
    const app = await createHost(platform, hostModule({ controllers: [SlowController] }));
    let asked = 0;
    app.use((_request: object, _response: object, next: () => void) => {
      asked++;
      next();
    });
    const host = await RunningHost.listen(app);
    const raw = await RawHttp.open(host.port);
    raw.send('GET /slow HTTP/1.1');
    raw.send('GET /stream/metrics HTTP/1.1');
    await expect.poll(() => asked).toBe(2);
    await host.close();
    await raw.closed;

    expect(raw.parts[1]).toMatch(
      /^at lastHTTP\/1\.1 503 Service Unavailable\r\n[^]*connection: close\r\n\r\n\{"statusCode":503,[^{}]*\}$/i,
    );
  });
});

describe('a heartbeat', () => {
  it.each(DIALECTS)('of %s is a comment, which no client sees and every proxy does', async (dialect) => {
    const app = await TestApp.start({ auth: { secret: SECRET }, heartbeatInterval: 0.05 });
    const client = await new TestTenant(app).stream(`dialect=${dialect}`);

    await expect.poll(() => client.comments).toBeGreaterThan(3);
    expect(client.raw).toContain('\n\n: heartbeat\n\n');
    // A stream has no way to answer: nobody is silent for not doing it.
    expect(app.app.get(Hub, { strict: false }).connections.size).toBe(1);
    await client.close();
    await app.close();
  });
});
