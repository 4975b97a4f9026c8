import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { PrometheusText } from '../../support/prometheus-text.js';
import { RestClient } from '../../support/rest-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

describe.each<Platform>(['express', 'fastify'])('GET /metrics on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const read = async () => new PrometheusText(await (await fetch(app.url('/metrics'))).text());
  /** What it answers once it shows something: connections are counted once a second. */
  const readWhere = (shows: (text: PrometheusText) => boolean) =>
    vi.waitUntil(
      async () => {
        const text = await read();
        return shows(text) && text;
      },
      { timeout: 10_000 },
    );

  it('answers everybody, in the text format of Prometheus', async () => {
    const response = await fetch(app.url('/metrics'));

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const { families } = new PrometheusText(await response.text());
    expect(families.size).toBeGreaterThan(15);
    for (const name of families.keys()) expect(name).toMatch(/^metricast_[a-z_]+$/);
  });

  it('counts connections by dialect and transport, as they come and go', async () => {
    const channels = { dialect: 'channels', transport: 'websocket' };
    const tools = { dialect: 'tools', transport: 'sse' };
    const open = (text: PrometheusText) =>
      [channels, tools].map((labels) => text.valueOf('metricast_connections', labels)).join();
    const before = await readWhere((text) => open(text) === '0,0');
    const [client, stream] = [await tenant.watch(), await tenant.stream('dialect=tools')];
    const during = await readWhere((text) => open(text) === '1,1');
    await Promise.all([client.close(), stream.close()]);
    const after = await readWhere((text) => open(text) === '0,0');

    const opened = (text: PrometheusText) => text.valueOf('metricast_connections_opened_total');
    expect([opened(during) - opened(before), opened(after) - opened(during)]).toEqual([2, 0]);
    const left = (text: PrometheusText) => text.valueOf('metricast_closes_total', { code: 'peer' });
    expect(left(after) - left(before)).toBe(2);
  });

  it('counts what was published, sent and committed', async () => {
    await tenant.create('orders.metrics');
    const clients = [await tenant.watch(), await tenant.watch()];
    for (const client of clients) await client.subscribe(['orders.metrics']);
    const before = await read();
    await tenant.record('metrics', [gauge('orders.metrics'), gauge('orders.metrics'), gauge('orders.metrics')]);
    for (const client of clients) for (let count = 0; count < 3; count++) await client.nextOf('orders.metrics');

    const after = await readWhere((text) => text.valueOf('metricast_subscriptions') === 2);
    const grown = (name: string) => after.valueOf(name) - before.valueOf(name);
    expect(after.valueOf('metricast_audiences')).toBe(1);
    expect(grown('metricast_publications_total')).toBe(3);
    expect(grown('metricast_frames_total')).toBe(6);
    expect(grown('metricast_sent_bytes_total')).toBeGreaterThan(6 * 100);
    expect(grown('metricast_commit_duration_seconds_count')).toBeGreaterThanOrEqual(1);
    expect(grown('metricast_commit_rows_sum')).toBeGreaterThanOrEqual(3);
    expect(after.valueOf('metricast_commit_duration_seconds_sum')).toBeGreaterThan(0);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('tells how ticks and the event loop are', async () => {
    const before = await read();
    const skills = await tenant.watchSkills();
    for (let tick = 0; tick < 3; tick++) await skills.next({ type: 'metrics_update' });

    const after = await read();
    for (const name of ['metricast_tick_duration_seconds_count', 'metricast_tick_lag_seconds_count']) {
      expect(after.valueOf(name) - before.valueOf(name)).toBeGreaterThanOrEqual(2);
    }
    let later = after;
    while (later.valueOf('metricast_event_loop_lag_seconds_count') === 0) later = await read();
    expect(later.valueOf('metricast_process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(later.valueOf('metricast_process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(later.valueOf('metricast_process_heap_bytes')).toBeGreaterThan(1_000_000);
    expect(later.valueOf('metricast_process_start_time_seconds') * 1000).toBeLessThan(Date.now());
    await skills.close();
  });

  it('counts why connections ended, and why they were not let in', async () => {
    const before = await read();
    const admin = new RestClient(app, { tenant_id: tenant.id, roles: ['admin'] });
    const client = await tenant.watch();
    await admin.delete(`/admin/connections/${client.welcome['client_id'] as string}`);
    await client.closed;
    await (
      await WireClient.open(app.url('/ws/tools?token=nonsense', 'ws'))
    ).closed;
    await (
      await WireClient.open(app.url(`/ws/metrics?token=${tenant.token()}&tenant_id=other`, 'ws'))
    ).closed;
    await fetch(app.url('/stream/metrics?token=nonsense'));

    const after = await read();
    const grown = (name: string, labels: Record<string, string>) =>
      after.valueOf(name, labels) - before.valueOf(name, labels);
    expect(grown('metricast_closes_total', { code: '1001' })).toBe(1);
    expect(grown('metricast_refusals_total', { reason: 'unauthenticated' })).toBe(2);
    expect(grown('metricast_refusals_total', { reason: 'no_tenant_access' })).toBe(1);
  });

  it('counts connections once a second, however often it is asked', async () => {
    const counted = vi.spyOn(app.app.get(Hub).audiences, 'all');
    const begin = performance.now();
    for (let request = 0; request < 50; request++) await read();
    const seconds = (performance.now() - begin) / 1000;

    expect(counted.mock.calls.length).toBeLessThanOrEqual(1 + seconds);
    counted.mockRestore();
  });

  it('names nobody, no tenant, no channel, and nothing that somebody sent', async () => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch();
    await client.subscribe(['orders.metrics']);
    client.wire.sendRaw('canary');
    await (
      await WireClient.open(app.url('/ws/metrics?token=canary&tenant_id=canary', 'ws'))
    ).closed;

    const text = await (await fetch(app.url('/metrics'))).text();
    for (const secret of ['canary', tenant.id, 'orders', 'ada']) expect(text).not.toContain(secret);
    const { labels } = new PrometheusText(text);
    expect([...labels.keys()].sort()).toEqual(['code', 'dialect', 'le', 'reason', 'transport']);
    await client.close();
  });
});

describe('GET /metrics with a token', () => {
  const metricsToken = 'p5-a-token:for/scraping';
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, metricsToken });
  });
  afterAll(() => app.close());

  const statusFor = async (authorization?: string) =>
    (await fetch(app.url('/metrics'), { headers: authorization ? { authorization } : {} })).status;

  it('answers who brings it', async () => {
    expect(await statusFor(`Bearer ${metricsToken}`)).toBe(200);
    expect(await statusFor(`bearer  ${metricsToken} `)).toBe(200);
  });

  it('answers nobody else', async () => {
    const others = ['', 'x', metricsToken.slice(1), `${metricsToken}x`, metricsToken.toUpperCase()];
    for (const token of others) expect(await statusFor(`Bearer ${token}`)).toBe(401);
    expect(await statusFor(`Basic ${metricsToken}`)).toBe(401);
    expect(await statusFor(`Bearer ${new TestTenant(app).token({ roles: ['operator'] })}`)).toBe(401);
    const response = await fetch(app.url(`/metrics?token=${metricsToken}`));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' });
  });

  it.each(['', 'two words in a row', 'ümlaut of many letters', 'x'.repeat(15), 'x'.repeat(1025)])(
    'does not start with one that cannot be sent, or be guessed: %s',
    async (bad) => {
      await expect(TestApp.start({ auth: { secret: SECRET }, metricsToken: bad })).rejects.toThrow(
        'Metricast option metricsToken: it must be 16 to 1024 printable ASCII characters without spaces',
      );
    },
  );
});
