import type { IncomingMessage, ServerResponse } from 'node:http';
import { type INestApplication, Injectable, type NestInterceptor, VersioningType } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { map } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Platform } from '../../support/app.js';
import { RunningHost, createHost, hostModule } from '../../support/host.js';
import { SseClient } from '../../support/sse-client.js';

const PATH = '/stream/metrics';
/** As frequent as can be: what is held back shows at once. */
const OPTIONS = { updateInterval: 0.1 };

const running: RunningHost[] = [];
afterEach(() => Promise.all(running.splice(0).map((host) => host.close())));

describe.each<Platform>(['express', 'fastify'])("a stream of a host's own application on %s", (platform) => {
  const listen = async (module = hostModule({}, OPTIONS), configure: (app: INestApplication) => unknown = () => 0) => {
    const app = await createHost(platform, module);
    configure(app);
    const host = await RunningHost.listen(app);
    running.push(host);
    return host;
  };

  it('is not held back by middleware that gathers what is written', async () => {
    const gathering = (_request: IncomingMessage, response: ServerResponse, next: () => void) => {
      const held: Buffer[] = [];
      const end = response.end.bind(response);
      response.write = (chunk: Uint8Array | string) => held.push(Buffer.from(chunk)) > 0;
      response.end = ((chunk?: Uint8Array | string) => {
        if (chunk !== undefined) held.push(Buffer.from(chunk));
        return end(Buffer.concat(held));
      }) as ServerResponse['end'];
      next();
    };
    const host = await listen(hostModule({}, OPTIONS), (app) => app.use(gathering));
    // It does its work on what is not a stream.
    expect(await host.get('/health/live')).toEqual([200, { status: 'ok' }]);
    const client = await SseClient.open(host.url(PATH));

    for (let update = 0; update < 3; update++) await client.next({ type: 'metrics' });
    await client.close();
  });

  it('has the headers that the host sets', async () => {
    const host = await listen(hostModule({}, OPTIONS), (app) => {
      app.enableCors({ origin: 'http://localhost:3000', credentials: true });
      app.use((_request: IncomingMessage, response: ServerResponse, next: () => void) => {
        response.setHeader('X-Served-By', 'shop');
        next();
      });
    });
    const client = await SseClient.open(host.url(PATH), { origin: 'http://localhost:3000' });

    expect(client.response.headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost:3000',
      'access-control-allow-credentials': 'true',
      'x-served-by': 'shop',
      'content-type': 'text/event-stream',
    });
    await client.close();
  });

  it("is not for the host's interceptors, which see no more than that it was asked for", async () => {
    @Injectable()
    class Wrapping implements NestInterceptor {
      intercept: NestInterceptor['intercept'] = (_context, next) =>
        next.handle().pipe(map((data: unknown) => ({ data })));
    }
    const host = await listen(hostModule({ providers: [{ provide: APP_INTERCEPTOR, useClass: Wrapping }] }, OPTIONS));
    const client = await SseClient.open(host.url(PATH));

    for (let update = 0; update < 3; update++) await client.next({ type: 'metrics' });
    await client.close();
  });

  it("is below the host's prefix, and on no version of its routes", async () => {
    const host = await listen(hostModule({}, OPTIONS), (app) =>
      app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    );
    const client = await SseClient.open(host.url(`/api${PATH}?tool_id=grep`));

    expect((await client.next()).message).toMatchObject({ type: 'connected', tool_id: 'grep' });
    await client.close();
    expect((await fetch(host.url(PATH))).status).toBe(404);
  });
});
