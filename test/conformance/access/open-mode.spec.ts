import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApp, tokenWith } from '../../support/app.js';
import { gauge, run } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

describe('a server on loopback without a key', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  it('lets everyone in as the tenant local', async () => {
    const client = await WireClient.open(app.url('/ws/metrics', 'ws'));

    expect(await client.next()).toMatchObject({ type: 'welcome', tenant_id: 'local' });
    await client.close();
  });

  it('lets everyone record, and watch what was recorded', async () => {
    expect(await app.post('/ingest/skills', run('lint'))).toMatchObject({ status: 202 });
    const client = await WireClient.open(app.url('/ws/skills', 'ws'));

    expect(await client.next({ type: 'metrics_update' })).toMatchObject({
      data: { top_skills: [{ skill_name: 'lint' }] },
    });
    await client.close();
  });

  it('gives everyone every role', async () => {
    const client = await WireClient.open(app.url('/ws/metrics', 'ws'));
    client.send({ type: 'subscribe', data: { channels: ['gateway.metrics'] } });

    expect(await client.next({ type: 'subscribed' })).toMatchObject({ channels: ['gateway.metrics'] });
    await client.close();
  });

  it('does not wait for a token in a first frame', async () => {
    const client = await WireClient.open(app.url('/ws/skills', 'ws'));

    expect(await client.next()).toMatchObject({ type: 'connected', authenticated: false });
    await client.close();
  });

  it.each([
    { what: 'a token', query: `?token=${tokenWith()}` },
    { what: 'garbage', query: '?token=garbage' },
    { what: 'an empty token', query: '?token=' },
  ])('checks $what that is sent all the same, and has no key by which it could be valid', async ({ query }) => {
    const client = await WireClient.open(app.url(`/ws/metrics${query}`, 'ws'));

    expect(await client.next()).toMatchObject({ type: 'error', code: 'unauthenticated' });
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  it('checks the token of a request all the same', async () => {
    const answer = await app.post('/ingest/metrics', gauge('orders.metrics'), {
      authorization: `Bearer ${tokenWith()}`,
    });

    expect(answer.status).toBe(401);
  });

  it('checks a token in a first frame all the same', async () => {
    const client = await WireClient.open(app.url('/ws/skills', 'ws'));
    client.send({ token: tokenWith() });

    expect(await client.next({ type: 'error' })).toMatchObject({ message: 'Invalid authentication token' });
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  it('has no other tenant', async () => {
    const own = await WireClient.open(app.url('/ws/metrics?tenant_id=local', 'ws'));
    const other = await WireClient.open(app.url('/ws/metrics?tenant_id=acme', 'ws'));

    expect(await own.next()).toMatchObject({ type: 'welcome', tenant_id: 'local' });
    expect(await other.closed).toMatchObject({ code: 4403 });
    expect(await app.post('/ingest/skills?tenant_id=acme', run('lint'))).toMatchObject({ status: 403 });
    await own.close();
  });
});
