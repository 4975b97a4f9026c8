import { type INestApplication, ValidationPipe, VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { map } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Platform } from '../support/app.js';
import { QUIET, RunningHost, createHost, hostModule } from '../support/host.js';
import { gauge, run } from '../support/test-tenant.js';

describe.each<Platform>(['express', 'fastify'])("what is read in somebody's application on %s", (platform) => {
  let host: RunningHost | undefined;
  afterEach(() => host?.close());

  const listen = async (configure: (app: INestApplication) => unknown) => {
    const app = await createHost(platform, hostModule());
    configure(app);
    host = await RunningHost.listen(app);
    return host;
  };

  it('stands below its prefix, and keeps clear of its versions', async () => {
    const running = await listen((app) =>
      app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    );
    const { post, get } = asked(running);
    await post('/api/ingest/skills', run('lint'));
    await post('/api/ingest/metrics', gauge('orders.metrics'));

    expect(await get('/api/skills')).toEqual([200, expect.objectContaining({ next_cursor: null })]);
    expect(await get('/api/skills/lint')).toMatchObject([200, { skill_name: 'lint' }]);
    expect(await get('/api/skills/lint/anomalies')).toMatchObject([200, { items: [] }]);
    expect(await get('/api/channels')).toMatchObject([200, { next_cursor: null }]);
    expect(await get('/api/channels/orders.metrics/latest')).toMatchObject([200, { channel: 'orders.metrics' }]);
    expect(await get('/api/routing/metrics')).toMatchObject([200, { total_decisions: 0 }]);
    expect((await fetch(running.url('/skills'))).status).toBe(404);
    expect((await fetch(running.url('/api/v1/skills'))).status).toBe(404);
  });

  it('is as documented whatever its pipes and interceptors do to its own', async () => {
    const { post, get } = asked(
      await listen((app) => {
        app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }), {
          transform: () => 'something else',
        });
        app.useGlobalInterceptors({
          intercept: (_context, next) => next.handle().pipe(map((data: unknown) => ({ data }))),
        });
      }),
    );
    await post('/ingest/skills', [run('lint'), run('build')]);

    expect(await get('/skills?limit=1&unknown=1')).toMatchObject([200, { items: [{ skill_name: 'build' }] }]);
    expect(await get('/skills/lint')).toMatchObject([200, { skill_name: 'lint' }]);
  });

  it('says what it varies by beside what the host says', async () => {
    const running = await listen((app) => app.enableCors({ origin: ['https://shop.example'] }));
    const { headers } = await fetch(running.url('/skills'), { headers: { origin: 'http://localhost' } });

    expect(headers.get('vary')).toMatch(/Origin/);
    expect(headers.get('vary')).toMatch(/Authorization/);
  });
});

describe('on a Fastify that takes longer parameters', () => {
  it('skills and channels of the longest names are found', async () => {
    const adapter = new FastifyAdapter({ routerOptions: { maxParamLength: 200 } });
    const host = await RunningHost.listen(await NestFactory.create(hostModule(), adapter, QUIET));
    const [skill, channel] = ['漢'.repeat(200), `${'x'.repeat(120)}.metrics`];
    await host.post('/ingest/skills', run(skill));
    await host.post('/ingest/metrics', gauge(channel));

    expect(await host.get(`/skills/${encodeURIComponent(skill)}`)).toMatchObject([200, { skill_name: skill }]);
    expect(await host.get(`/channels/${channel}/latest`)).toMatchObject([200, { channel }]);
    await host.close();
  });
});

function asked(host: RunningHost) {
  return {
    get: (path: string) => host.get(path),
    post: async (path: string, body: unknown) => expect(await host.post(path, body)).toMatchObject([202, {}]),
  };
}
