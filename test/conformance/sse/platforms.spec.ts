import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, type INestApplication, Injectable, type NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { connect as connectHttp2 } from 'node:http2';
import { map } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { type Platform, SECRET, tokenWith } from '../../support/app.js';
import { QUIET, RunningHost, createHost, hostModule } from '../../support/host.js';
import { RawHttp } from '../../support/raw-http.js';
import { SseClient } from '../../support/sse-client.js';

const PATH = '/stream/metrics';
const OPTIONS = { updateInterval: 0.1 };

const running: RunningHost[] = [];
afterEach(() => Promise.all(running.splice(0).map((host) => host.close())));

async function listening(app: INestApplication): Promise<RunningHost> {
  const host = await RunningHost.listen(app);
  running.push(host);
  return host;
}

const connectionsOf = (host: RunningHost) => host.app.get(Hub, { strict: false }).connections;

describe.each<Platform>(['express', 'fastify'])('a stream on %s', (platform) => {
  const listen = async (module = hostModule({}, OPTIONS), configure: (app: INestApplication) => unknown = () => 0) => {
    const app = await createHost(platform, module);
    configure(app);
    return listening(app);
  };

  it('says what it is, and that nobody should hold it back', async () => {
    const host = await listen();
    const client = await SseClient.open(host.url(PATH));
    await client.next({ type: 'connected' });

    expect(client.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(client.response.headers).not.toHaveProperty('content-length');
    expect(client.response.headers).not.toHaveProperty('etag');
    await client.close();
  });

  it.each(['1.1', '1.0'])(
    'is the bare events in HTTP/%s: no chunks, and an end that ends the connection',
    async (version) => {
      const host = await listen();
      const raw = await RawHttp.open(host.port);
      raw.send(`GET ${PATH} HTTP/${version}`, 'Connection: keep-alive');
      await raw.until('"type":"metrics"');
      const [head, body] = raw.parts;

      expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(head).toMatch(/\r\nConnection: close(\r\n|$)/i);
      expect(head).not.toMatch(/transfer-encoding/i);
      expect(body).toMatch(
        /^retry: 3000\n\nevent: metrics\ndata: \{"type":"connected",[^\n]*\}\n\nevent: metrics\nid: /,
      );
      await host.close();
      await raw.closed;
      expect(raw.received).toMatch(/\n\nretry: \d+\nevent: error\ndata: \{"code":1001,[^\n]*\}\n\n$/);
    },
  );

  it('has a head for HEAD, and nothing else', async () => {
    const host = await listen();
    const raw = await RawHttp.open(host.port);
    raw.send(`HEAD ${PATH} HTTP/1.1`);
    await raw.closed;
    const [head, body] = raw.parts;

    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toMatch(/\r\nContent-Type: text\/event-stream(\r\n|$)/i);
    expect(body).toBe('');
    expect(connectionsOf(host).size).toBe(0);
  });

  it.each(['POST', 'PUT', 'DELETE'])('is not for %s: 404', async (method) => {
    const host = await listen();

    expect((await fetch(host.url(PATH), { method })).status).toBe(404);
  });

  it('does not overtake the answer to a request before it on the same connection', async () => {
    let handled = 0;
    @Controller('slow')
    class SlowController {
      /** Answers long after the next request has come. */
      @Get()
      async answer(): Promise<string> {
        while (handled < 2) await new Promise(setImmediate);
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        return 'at last';
      }
    }
    const host = await listen(hostModule({ controllers: [SlowController] }, OPTIONS), (app) =>
      app.use((_request: IncomingMessage, _response: ServerResponse, next: () => void) => {
        handled++;
        next();
      }),
    );
    const raw = await RawHttp.open(host.port);
    raw.send('GET /slow HTTP/1.1');
    raw.send(`GET ${PATH} HTTP/1.1`);
    await raw.until('"type":"metrics"');

    expect(raw.parts[1]).toMatch(
      /^at lastHTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nretry: 3000\n\nevent: metrics\ndata: \{"type":"connected"/,
    );
    expect(raw.received).not.toMatch(/transfer-encoding/i);
    raw.close();
    await expect.poll(() => connectionsOf(host).size).toBe(0);
  });

  it('has nothing behind it on its connection: who asks for another one there loses both', async () => {
    const host = await listen();
    const raw = await RawHttp.open(host.port);
    raw.send(`GET ${PATH} HTTP/1.1`);
    await raw.until('"type":"metrics"');
    raw.send(`GET ${PATH} HTTP/1.1`);

    await raw.closed;
    await expect.poll(() => connectionsOf(host).size).toBe(0);
  });

  it('for one who went away before it could begin is none', async () => {
    const handled: string[] = [];
    @Injectable()
    class Late implements NestInterceptor {
      /** Goes on when the client has gone. */
      intercept: NestInterceptor['intercept'] = async (context, next) => {
        const request = context.switchToHttp().getRequest<IncomingMessage & { raw?: IncomingMessage }>();
        const { socket } = request.raw ?? request;
        handled.push('asked');
        if (!socket.destroyed) await once(socket, 'close');
        return next.handle().pipe(map((data: unknown) => (handled.push('handled'), data)));
      };
    }
    const host = await listen(hostModule({ providers: [{ provide: APP_INTERCEPTOR, useClass: Late }] }, OPTIONS));
    const raw = await RawHttp.open(host.port);
    raw.send(`GET ${PATH} HTTP/1.1`);
    await expect.poll(() => handled).toEqual(['asked']);
    raw.close();

    await expect.poll(() => handled).toEqual(['asked', 'handled']);
    expect(connectionsOf(host).size).toBe(0);
  });
});

describe('a stream over HTTP/2', () => {
  it('is one stream of many on its connection, and ends without it', async () => {
    const module = hostModule({}, { ...OPTIONS, auth: { secret: SECRET } });
    const adapter = new FastifyAdapter({ http2: true } as never);
    const host = await listening(await NestFactory.create(module, adapter, QUIET));
    const session = connectHttp2(`http://127.0.0.1:${host.port}`);
    const open = async () => {
      const stream = session.request({ ':path': `${PATH}?token=${tokenWith()}` });
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      let received = '';
      stream.setEncoding('utf8').on('data', (text: string) => (received += text));
      return { stream, headers, received: () => received };
    };
    const [one, other] = [await open(), await open()];

    expect(one.headers).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream' });
    for (const { received } of [one, other]) await expect.poll(received).toContain('"type":"metrics"');
    expect(one.received()).toMatch(/^retry: 3000\n\nevent: metrics\ndata: \{"type":"connected"/);
    one.stream.close();
    await expect.poll(() => connectionsOf(host).size).toBe(1);
    const closing = host.close();
    await once(other.stream, 'end');
    // The server waits for its clients' sessions.
    session.close();
    await closing;
    expect(other.received()).toMatch(/\nevent: error\ndata: \{"code":1001,[^\n]*\}\n\n$/);
  });
});
