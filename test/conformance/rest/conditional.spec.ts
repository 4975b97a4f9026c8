import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestReader } from '../../support/rest-reader.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

const ETAG = /^W\/"[\w-]+"$/;

describe.each<Platform>(['express', 'fastify'])('what was read before, on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let reader: RestReader;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    reader = new RestReader(app, tenant);
    await tenant.record('skills', run('lint'));
    await tenant.record('metrics', gauge('orders.metrics'));
  });

  it.each([
    '/skills',
    '/skills/lint',
    '/skills/lint/anomalies',
    '/channels',
    '/channels/orders.metrics/latest',
    '/routing/metrics',
  ])('is not sent again where it did not change: %s', async (path) => {
    const first = await reader.get(path);
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(ETAG);
    expect(first.headers.get('content-type')).toBe('application/json; charset=utf-8');

    const again = await reader.get(path, { 'if-none-match': etag });
    expect(again).toMatchObject({ status: 304, body: {} });
    for (const { headers } of [first, again]) {
      expect(headers.get('etag')).toBe(etag);
      expect(headers.get('cache-control')).toBe('private, no-cache');
      expect(headers.get('vary')).toMatch(/\bAuthorization\b/);
    }
  });

  it('is sent where it changed, with another tag', async () => {
    const first = await reader.get('/skills');
    await tenant.record('skills', run('lint'));
    const second = await reader.get('/skills', { 'if-none-match': first.headers.get('etag')! });

    expect(second).toMatchObject({ status: 200, body: { items: [{ total_invocations: 2 }] } });
    expect(second.headers.get('etag')).toMatch(ETAG);
    expect(second.headers.get('etag')).not.toBe(first.headers.get('etag'));
  });

  it.each([
    ['in a list', (tag: string) => `"other", ${tag} , W/"third"`, 304],
    ['as a strong one', (tag: string) => tag.replace('W/', ''), 304],
    ['as any', () => '*', 304],
    ['another', () => 'W/"other"', 200],
    ['half of it', (tag: string) => tag.slice(0, -3), 200],
    ['none', () => '', 200],
  ] as const)('is told by its tag %s', async (_name, headerOf, status) => {
    const { headers } = await reader.get('/skills');

    expect((await reader.get('/skills', { 'if-none-match': headerOf(headers.get('etag')!) })).status).toBe(status);
  });

  it('is told by its tag where a client asks past its own cache as well', async () => {
    const { headers } = await reader.get('/skills');
    const answer = await reader.get('/skills', {
      'if-none-match': headers.get('etag')!,
      'cache-control': 'no-cache',
    });

    expect(answer.status).toBe(304);
  });

  it('is not what another sees: the same path has another tag for another tenant', async () => {
    const other = new TestTenant(app);
    await other.record('skills', run('build'));
    const { headers } = await reader.get('/skills');

    const answer = await new RestReader(app, other).get('/skills', { 'if-none-match': headers.get('etag')! });
    expect(answer).toMatchObject({ status: 200, body: { items: [{ skill_name: 'build' }] } });
  });

  it('is described to a HEAD request, without being sent', async () => {
    const { headers } = await reader.get('/skills');
    const head = await fetch(app.url('/skills'), {
      method: 'HEAD',
      headers: { authorization: `Bearer ${tenant.token()}` },
    });

    expect(head.status).toBe(200);
    expect(head.headers.get('etag')).toBe(headers.get('etag'));
    expect(await head.text()).toBe('');
  });

  it('an error is sent again each time', async () => {
    const first = await reader.get('/skills/never-ran');
    const again = await reader.get('/skills/never-ran', { 'if-none-match': first.headers.get('etag') ?? '*' });

    expect(again).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(again.headers.get('cache-control')).toBeNull();
  });
});
