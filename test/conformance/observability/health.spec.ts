import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WriteQueue } from '../../../src/store/index.js';
import { type Platform, TestApp } from '../../support/app.js';
import { keepFull } from '../../support/full-queue.js';
import { run } from '../../support/test-tenant.js';

describe.each<Platform>(['express', 'fastify'])('the health of a server on %s', (platform) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({}, platform);
  });
  afterAll(() => app.close());

  const ask = async (path: string) => {
    const response = await fetch(app.url(path));
    return { status: response.status, body: await response.json() };
  };

  const WELL = { connections: 0, database: 'up', broker: 'off', uptime: expect.any(Number) as number };

  it('is ok, live and ready', async () => {
    expect(await ask('/health')).toEqual({ status: 200, body: { status: 'ok', ...WELL } });
    expect(await ask('/health/live')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await ask('/health/ready')).toEqual({ status: 200, body: { status: 'ok', ...WELL } });
  });

  it('is degraded and not ready while it can record no more, and well again when there is room', async () => {
    const release = keepFull(app.app.get(WriteQueue, { strict: false }));
    expect((await app.post('/ingest/skills', run('lint'))).status).toBe(503);
    const [health, live, ready] = [await ask('/health'), await ask('/health/live'), await ask('/health/ready')];
    await release();

    expect(health).toMatchObject({ status: 200, body: { status: 'degraded', database: 'up' } });
    expect(live).toMatchObject({ status: 200 });
    expect(ready).toMatchObject({ status: 503, body: { status: 'error', database: 'up' } });
    expect(await ask('/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await ask('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });
});
