import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, run } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

describe('connecting to the skills dialect', () => {
  let app: TestApp;
  let open: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    open = await TestApp.start({ updateInterval: 0.1 });
  });
  afterAll(() => Promise.all([app.close(), open.close()]));

  it('is greeted, and told that a token was checked', async () => {
    const client = await WireClient.open(app.url(`/ws/skills?token=${new TestTenant(app).token()}`, 'ws'));

    expect(await client.next()).toEqual({
      type: 'connected',
      message: 'Connected to Metricast real-time metrics',
      timestamp: ISO,
      authenticated: true,
    });
    await client.close();
  });

  it('is told in open mode that no token was checked', async () => {
    const client = await WireClient.open(open.url('/ws/skills', 'ws'));

    expect(await client.next()).toMatchObject({ type: 'connected', authenticated: false });
    await client.close();
  });

  it('is followed by updates for all skills without a subscribe', async () => {
    const tenant = new TestTenant(app);
    await tenant.record('skills', [run('lint'), run('test')]);
    const client = await tenant.watchSkills();

    expect(await client.next()).toMatchObject({
      type: 'metrics_update',
      data: { top_skills: [{ skill_name: 'lint' }, { skill_name: 'test' }] },
    });
    await client.next({ type: 'metrics_update' });
    await client.close();
  });

  it('gives no snapshot with the greeting: the first update comes with the next tick', async () => {
    const tenant = new TestTenant(app);
    const [early, late] = [await tenant.watchSkills(), await tenant.watchSkills()];
    // The first tick that both see is the same one.
    const first = await late.next({ type: 'metrics_update' });

    expect(await early.next({ timestamp: first['timestamp'] })).toEqual(first);
    await Promise.all([early.close(), late.close()]);
  });

  it('by one who may not read brings an error instead of updates', async () => {
    const tenant = new TestTenant(app);
    const reader = await tenant.watchSkills();
    const writer = await tenant.watchSkills(tenant.token({ roles: ['ingest'] }));

    expect(await writer.next()).toEqual({
      type: 'error',
      message: 'Not allowed: needs the role viewer',
      timestamp: ISO,
    });
    for (let update = 0; update < 3; update++) await reader.next({ type: 'metrics_update' });
    writer.socket.ping();
    await once(writer.socket, 'pong');
    expect(writer.unread).toEqual([]);
    await Promise.all([reader.close(), writer.close()]);
  });
});
