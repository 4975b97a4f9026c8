import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reception } from '../../../src/transports/connections/index.js';
import { SECRET, TestApp, secondsFromNow, tokenWith } from '../../support/app.js';
import { TestTenant, run } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const REFUSAL = {
  type: 'error',
  message: 'Invalid authentication token',
  timestamp: expect.any(String) as string,
};

describe('a skills client that brings its token in its first frame', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  const open = (query = '') => WireClient.open(app.url(`/ws/skills${query}`, 'ws'));

  it('is refused for a frame that is larger than a token can be, without a look at it', async () => {
    const client = await open();
    client.send({ token: new TestTenant(app).token(), more: 'x'.repeat(16 * 1024) });

    expect(await client.closed).toMatchObject({ code: 1009 });
    expect(client.unread).toEqual([]);
  });

  it('is greeted then, and gets the updates of its tenant', async () => {
    const tenant = new TestTenant(app);
    await tenant.record('skills', run('lint'));
    const client = await open();
    client.send({ token: tenant.token() });

    expect(await client.next()).toMatchObject({ type: 'connected', authenticated: true });
    expect(await client.next()).toMatchObject({ data: { top_skills: [{ skill_name: 'lint' }] } });
    await client.close();
  });

  it('can go on at once: what it sent right behind the token is done', async () => {
    const client = await open();
    client.send({ token: tokenWith() });
    client.send({ type: 'ping' });

    expect(await client.next()).toMatchObject({ type: 'connected' });
    expect(await client.next()).toEqual({ type: 'pong' });
    await client.close();
  });

  it.each([
    { what: 'a wrong token', frame: JSON.stringify({ token: 'not.a.token' }) },
    { what: 'an expired token', frame: JSON.stringify({ token: tokenWith({ exp: secondsFromNow(-5) }) }) },
    { what: 'a token that is no text', frame: JSON.stringify({ token: { a: 1 } }) },
    { what: 'a command', frame: JSON.stringify({ type: 'subscribe', skill: 'lint' }) },
    { what: 'a command beside the token', frame: JSON.stringify({ type: 'ping', token: tokenWith() }) },
    { what: 'something that is not JSON', frame: '{"token":' },
    { what: 'a list', frame: '[]' },
  ])('is refused for $what, and nothing is done', async ({ frame }) => {
    const client = await open();
    client.sendRaw(frame);
    // Too late: the first frame decided.
    client.send({ token: tokenWith() });

    expect(await client.next()).toEqual(REFUSAL);
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect(client.unread).toEqual([]);
  });

  it('is not greeted before', async () => {
    const client = await open();
    const other = await new TestTenant(app).watchSkills();
    await other.next({ type: 'metrics_update' });

    expect(client.unread).toEqual([]);
    client.send({ token: tokenWith() });
    expect(await client.next()).toMatchObject({ type: 'connected' });
    await Promise.all([client.close(), other.close()]);
  });

  it('may choose its tenant in the query, as others do', async () => {
    const client = await open('?tenant_id=beta');
    client.send({ token: tokenWith({ tenants: ['beta'] }) });
    expect(await client.next()).toMatchObject({ type: 'connected' });
    await client.close();

    const stranger = await open('?tenant_id=gamma');
    stranger.send({ token: tokenWith({ tenants: ['beta'] }) });
    expect(await stranger.next()).toMatchObject({ type: 'error' });
    expect(await stranger.closed).toMatchObject({ code: 4403 });
  });

  it('is refused when it has not sent it within 5 seconds', async () => {
    const opened = Date.now();
    const client = await open();

    expect(await client.next()).toEqual(REFUSAL);
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect(Date.now() - opened).toBeGreaterThan(4500);
    expect(Date.now() - opened).toBeLessThan(9000);
  });

  it('may leave before it has sent any', async () => {
    const { owing } = app.app.get(Reception, { strict: false });
    const client = await open();
    expect(owing.size).toBe(1);
    await client.close();

    await expect.poll(() => owing.size).toBe(0);
  });

  it('gets no second chance: a token that came with the handshake is the one that counts', async () => {
    const client = await open('?token=not.a.token');
    client.send({ token: tokenWith() });

    expect(await client.next()).toEqual(REFUSAL);
    expect(await client.closed).toMatchObject({ code: 4401 });
  });
});

describe('a channels client without a token', () => {
  it('is refused at once, and a first frame with one does not help', async () => {
    const app = await TestApp.start({ auth: { secret: SECRET } });
    const client = await WireClient.open(app.url('/ws/metrics', 'ws'));
    client.send({ token: tokenWith() });

    expect(await client.next()).toEqual({
      type: 'error',
      message: 'Invalid authentication token',
      code: 'unauthenticated',
    });
    expect(await client.closed).toMatchObject({ code: 4401 });
    await app.close();
  });
});
