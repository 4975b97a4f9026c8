import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../../support/app.js';
import { RawHttp } from '../../support/raw-http.js';
import { gauge, run } from '../../support/test-tenant.js';

describe('REST on a server that wants tokens', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());

  const requests = [
    { path: '/ingest/skills', item: run('lint') },
    { path: '/ingest/metrics', item: gauge('orders.metrics') },
  ];

  it.each(requests)('refuses $path without a token: 401, in the shape of every problem', async ({ path, item }) => {
    const answer = await app.post(path, item);

    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.headers.get('content-type')).toMatch(/json/);
    expect(answer.body).toEqual({ statusCode: 401, code: 'unauthenticated', message: 'Invalid authentication token' });
  });

  it.each(requests)('refuses $path to a viewer with 403', async ({ path, item }) => {
    const answer = await app.post(path, item, { authorization: `Bearer ${tokenWith({ roles: ['viewer'] })}` });

    expect(answer).toMatchObject({ status: 403, body: { statusCode: 403, code: 'forbidden' } });
  });

  it.each(requests)('takes no token of $path but the header', async ({ path, item }) => {
    expect(await app.post(`${path}?token=${tokenWith()}`, item)).toMatchObject({ status: 401 });
  });

  it.each(requests)('asks who it is before it looks at the body of $path', async ({ path }) => {
    expect(await app.post(path, 'not JSON', { 'content-type': 'text/plain' })).toMatchObject({ status: 401 });
  });

  it('asks who it is also where the target of a request is no URL', async () => {
    const raw = await RawHttp.open(app.port);
    raw.send('GET http://localhost:99999/skills HTTP/1.1');

    expect(await raw.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 401 /);
    raw.close();
  });

  it('answers a health check without a token', async () => {
    for (const path of ['/health', '/health/live', '/health/ready']) {
      expect((await fetch(app.url(path))).status).toBe(200);
    }
  });

  it('answers an unknown path with 404, in the shape of every problem', async () => {
    const answer = await app.post('/ingest/nothing', {}, { authorization: `Bearer ${tokenWith()}` });

    expect(answer.status).toBe(404);
    expect(answer.body).toEqual({ statusCode: 404, code: 'not_found', message: 'Not found' });
  });
});
