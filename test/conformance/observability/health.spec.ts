import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DATA_SOURCE, WriteQueue } from '../../../src/store/index.js';
import { type Platform, TestApp } from '../../support/app.js';
import { DATABASES } from '../../support/databases.js';
import { keepFull } from '../../support/full-queue.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { run } from '../../support/test-tenant.js';

const ask = async (app: TestApp, path: string) => {
  const response = await fetch(app.url(path));
  return { status: response.status, body: await response.json() };
};

/** The questions whether the database is there, from now on. */
function checksOf(app: TestApp): () => number {
  const source = app.app.get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false });
  const queries = vi.spyOn(source, 'query');
  return () => queries.mock.calls.filter(([sql]) => sql === 'SELECT 1').length;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each<Platform>(['express', 'fastify'])('the health of a server on %s', (platform) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({}, platform);
  });
  afterAll(() => app.close());

  const WELL = { connections: 0, database: 'up', broker: 'off', uptime: expect.any(Number) as number };

  it('is ok, live and ready', async () => {
    expect(await ask(app, '/health')).toEqual({ status: 200, body: { status: 'ok', ...WELL } });
    expect(await ask(app, '/health/live')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await ask(app, '/health/ready')).toEqual({ status: 200, body: { status: 'ok', ...WELL } });
  });

  it('is degraded and not ready while it can record no more, and well again when there is room', async () => {
    const release = keepFull(app.app.get(WriteQueue, { strict: false }));
    expect((await app.post('/ingest/skills', run('lint'))).status).toBe(503);
    const [health, live, ready] = [
      await ask(app, '/health'),
      await ask(app, '/health/live'),
      await ask(app, '/health/ready'),
    ];
    await release();

    expect(health).toMatchObject({ status: 200, body: { status: 'degraded', database: 'up' } });
    expect(live).toMatchObject({ status: 200 });
    expect(ready).toMatchObject({ status: 503, body: { status: 'error', database: 'up' } });
    expect(await ask(app, '/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await ask(app, '/health/ready')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('costs the database one question a second, however many ask', async () => {
    const checks = checksOf(app);
    const start = performance.now();
    const paths = Array.from({ length: 30 }, (_, at) => (at % 2 ? '/health' : '/health/ready'));
    await Promise.all(paths.map((path) => ask(app, path)));
    for (const path of paths) expect(await ask(app, path)).toMatchObject({ status: 200 });

    expect(checks()).toBeLessThanOrEqual(1 + (performance.now() - start) / 1000);
  });
});

describe('a server whose database is silent', () => {
  it('is down, asks it nothing more, and is up when it answers again', async () => {
    const database = await DATABASES.PostgreSQL();
    const url = new URL(database.url);
    const target = { host: url.hostname, port: Number(url.port) };
    let proxy = await TcpProxy.to(target);
    [url.hostname, url.port] = ['127.0.0.1', String(proxy.port)];
    const app = await TestApp.start({ database: url.href });
    expect(await ask(app, '/health')).toMatchObject({ status: 200, body: { database: 'up' } });

    const checks = checksOf(app);
    proxy.silence();
    const DOWN = { status: 503, body: { status: 'error', database: 'down' } };
    await expect.poll(() => ask(app, '/health'), { timeout: 10_000 }).toMatchObject(DOWN);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 1000);
    expect(await Promise.all([ask(app, '/health'), ask(app, '/health/ready')])).toMatchObject([DOWN, DOWN]);
    expect(await ask(app, '/health/live')).toMatchObject({ status: 200 });
    expect(checks()).toBe(1);

    await proxy.close();
    proxy = await TcpProxy.to(target, proxy.port);
    await expect.poll(() => ask(app, '/health/ready'), { timeout: 10_000 }).toMatchObject({ status: 200 });
    await app.close();
    await proxy.close();
    await database.drop();
  });
});
