import { afterEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { RestReader } from '../../support/rest-reader.js';
import { TestTenant, run } from '../../support/test-tenant.js';

const LIMIT = 5;

let app: TestApp;
let tenant: TestTenant;
afterEach(() => app.close());

describe.each<Platform>(['express', 'fastify'])('the REST requests of a subject on %s', (platform) => {
  const start = async (maxRequestsPerMinute?: number) => {
    app = await TestApp.start({ auth: { secret: SECRET }, maxRequestsPerMinute }, platform);
    tenant = new TestTenant(app);
  };
  const statuses = async (count: number, claims: Record<string, unknown> = {}, path = '/skills') => {
    const reader = new RestReader(app, tenant, claims);
    const answers: number[] = [];
    for (let at = 0; at < count; at++) answers.push((await reader.get(path)).status);
    return answers;
  };
  const all = (count: number) => Array<number>(count).fill(200);

  it('are answered 429 where they are too many, with the seconds until there is room again', async () => {
    await start(LIMIT);
    expect(await statuses(LIMIT)).toEqual(all(LIMIT));
    const { status, headers, body } = await new RestReader(app, tenant).get('/channels');

    expect({ status, body }).toEqual({
      status: 429,
      body: { statusCode: 429, code: 'rate_limited', message: 'Rate limit exceeded: at most 5 requests a minute' },
    });
    // One comes back every 12 seconds.
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(12);
  });

  it('are those of one subject of one tenant', async () => {
    await start(LIMIT);
    await statuses(LIMIT + 1);

    expect(await statuses(1, { sub: 'grace' })).toEqual([200]);
    tenant = new TestTenant(app);
    expect(await statuses(1)).toEqual([200]);
  });

  it('are those of one subject in all tenants of its token together', async () => {
    await start(LIMIT);
    const [first, second] = [tenant.id, new TestTenant(app).id];
    const claims = { tenants: [first, second] };
    expect(await statuses(LIMIT - 1, claims, `/skills?tenant_id=${first}`)).toEqual(all(LIMIT - 1));

    expect(await statuses(2, claims, `/skills?tenant_id=${second}`)).toEqual([200, 429]);
  });

  it('count where they are refused as well, and for administrators', async () => {
    await start(LIMIT);

    expect(await statuses(LIMIT + 1, {}, '/admin/profiles')).toEqual([...Array<number>(LIMIT).fill(403), 429]);
    expect(await statuses(LIMIT + 1, { sub: 'admin', roles: ['admin'] }, '/admin/profiles')).toEqual([
      ...all(LIMIT),
      429,
    ]);
  });

  it('are not what is recorded, nor what asks for no token', async () => {
    await start(LIMIT);
    await statuses(LIMIT + 1);

    for (let count = 0; count < 2 * LIMIT; count++) {
      expect(await tenant.record('skills', run('lint'))).toMatchObject({ status: 202 });
      expect((await fetch(app.url('/health/live'))).status).toBe(200);
    }
  });

  it('may be as many as they like with a limit of 0', async () => {
    await start(0);

    expect(await statuses(50)).toEqual(all(50));
  });

  it('may be 600 a minute where nothing is set', async () => {
    await start();
    const before = performance.now();
    const answers = await statuses(640);
    const comesBack = Math.ceil((performance.now() - before) / 100);
    const done = answers.filter((status) => status === 200).length;

    expect(done).toBeGreaterThanOrEqual(600);
    expect(done).toBeLessThanOrEqual(600 + comesBack);
  });
});
