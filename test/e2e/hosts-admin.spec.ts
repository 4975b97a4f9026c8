import { type INestApplication, ValidationPipe, VersioningType } from '@nestjs/common';
import { map } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Platform } from '../support/app.js';
import { RunningHost, createHost, hostModule } from '../support/host.js';

const PATH = '/api/admin/tenants/local/settings';

describe.each<Platform>(['express', 'fastify'])("administration in somebody's application on %s", (platform) => {
  let host: RunningHost | undefined;
  afterEach(() => host?.close());

  const listen = async (configure: (app: INestApplication) => unknown) => {
    const app = await createHost(platform, hostModule());
    app.setGlobalPrefix('api');
    configure(app);
    host = await RunningHost.listen(app);
    return host;
  };
  const put = async (running: RunningHost, body: object) => {
    const response = await fetch(running.url(PATH), {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return [response.status, await response.json()];
  };

  it('stands below its prefix, and keeps clear of its versions', async () => {
    const running = await listen((app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }));
    const made = await fetch(running.url('/api/admin/profiles'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'night', collection_interval_seconds: 30 }),
    });

    expect([made.status, made.headers.get('location')]).toEqual([201, '/api/admin/profiles/night']);
    expect(await put(running, { performance_profile: 'night' })).toMatchObject([200, { tenant_id: 'local' }]);
    expect(await running.get('/api/settings/local')).toMatchObject([
      200,
      { settings: { performance_profile: 'night' } },
    ]);
    expect(await running.get('/api/admin/audit')).toMatchObject([
      200,
      { items: [{ action: 'settings.replace' }, { action: 'profile.create' }] },
    ]);
  });

  it('is as documented whatever its pipes and interceptors do to its own', async () => {
    const running = await listen((app) => {
      app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }), {
        transform: () => 'something else',
      });
      app.useGlobalInterceptors({
        intercept: (_context, next) => next.handle().pipe(map((data: unknown) => ({ data }))),
      });
    });

    expect(await put(running, { retention_days: 7 })).toMatchObject([200, { settings: { retention_days: 7 } }]);
    expect(await put(running, { retention_days: 0, colour: 'red' })).toMatchObject([
      400,
      { code: 'bad_request', errors: [{ field: 'retention_days' }, { field: 'colour' }] },
    ]);
  });
});
