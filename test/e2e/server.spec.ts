import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { JwtService } from '@nestjs/jwt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, secondsFromNow, tokenWith } from '../support/app.js';
import { Scratch } from '../support/host.js';
import { ServerProcess } from '../support/server-process.js';
import { WireClient } from '../support/wire-client.js';

/** Starting a process takes its time where many do. */
const PATIENCE = { timeout: 60_000 };

describe('the standalone server', PATIENCE, () => {
  let scratch: Scratch;
  const servers: ServerProcess[] = [];

  beforeEach(() => {
    scratch = new Scratch();
  });

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    scratch.remove();
  });

  const up = async (variables: Record<string, string> = {}) => {
    const server = await ServerProcess.up(variables, scratch.directory);
    servers.push(server);
    return server;
  };

  const record = async (server: ServerProcess, headers: Record<string, string> = {}) =>
    fetch(server.url('/ingest/skills'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ skill_name: 'pytest-run', completed: true }),
    });

  it('prints where it is, and one line to paste, which works', async () => {
    const server = await up();
    const { port } = server;

    expect(server.stdout).toContain(`http://127.0.0.1:${port}/health`);
    expect(server.stdout).toContain(`http://127.0.0.1:${port}/metrics`);
    expect(server.stdout).toContain(`http://127.0.0.1:${port}/docs`);
    expect(server.stdout).toContain(`ws://127.0.0.1:${port}/ws/metrics`);
    expect(server.stdout).toContain(`npx wscat -c "ws://127.0.0.1:${port}/ws/skills"`);
    const pasted = /wscat -c "(.+)"/.exec(server.stdout)![1]!;
    const client = await WireClient.open(pasted);
    expect(await client.next()).toMatchObject({ type: 'connected' });
  });

  it('says in no header what it is made of', async () => {
    const server = await up();
    for (const path of ['/health', '/docs', '/skills', '/nowhere']) {
      const { headers } = await fetch(server.url(path));
      expect([path, headers.get('x-powered-by'), headers.get('server')]).toEqual([path, null, null]);
    }
  });

  it('keeps what was recorded over a restart, in data/metricast.db', async () => {
    const before = await up();
    expect((await record(before)).status).toBe(202);
    before.kill('SIGTERM');
    await before.exited;

    const after = await up();
    expect((await record(after)).status).toBe(202);
    const client = await WireClient.open(after.url('/ws/skills', 'ws'));

    expect(await client.next({ type: 'metrics_update' })).toMatchObject({
      data: { top_skills: [{ skill_name: 'pytest-run', total_invocations: 2 }] },
    });
    expect((await fetch(after.url('/health'))).status).toBe(200);
  });

  it('serves the paths that WS_ENDPOINTS names, and no others', async () => {
    const server = await up({ WS_ENDPOINTS: '/=skills, /live=channels' });
    const client = await WireClient.open(server.url('/', 'ws'));

    expect(await client.next()).toMatchObject({ type: 'connected' });
    expect(await (await WireClient.open(server.url('/live', 'ws'))).next()).toMatchObject({ type: 'welcome' });
    expect(await WireClient.refusedWith(server.url('/ws/skills', 'ws'))).toBe(404);
    expect(server.stdout).toContain(`npx wscat -c "ws://127.0.0.1:${server.port}/"`);
  });

  it('does as its other variables say', async () => {
    const server = await up({
      JWT_SECRET_KEY: SECRET,
      HOST: '0.0.0.0',
      LOG_LEVEL: 'fatal',
      WS_HEARTBEAT_INTERVAL: '7',
      UPDATE_INTERVAL: '0.1',
      RATE_LIMIT_MAX_MESSAGES_PER_MINUTE: '2',
      DATABASE_URL: 'sqlite:elsewhere/figures.db',
      METRICS_TOKEN: 'of-the-scraper-alone',
    });
    const token = tokenWith();

    expect(server.stdout).not.toContain('NestFactory');
    const scrape = (authorization: string) => fetch(server.url('/metrics'), { headers: { authorization } });
    expect((await scrape(`Bearer ${token}`)).status).toBe(401);
    expect((await scrape('Bearer of-the-scraper-alone')).status).toBe(200);
    expect((await record(server)).status).toBe(401);
    expect((await record(server, { authorization: `Bearer ${token}` })).status).toBe(202);
    const client = await WireClient.open(server.url(`/ws/metrics?token=${token}`, 'ws'));
    expect(await client.next()).toMatchObject({ tenant_id: 'acme', heartbeat_interval: 7 });
    for (const id of [1, 2, 3]) client.send({ type: 'ping', id });
    expect(await client.next({ type: 'error' })).toMatchObject({ code: 'rate_limited' });
  });

  it('takes tokens signed for its public key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const claims = { sub: 'ada', tenant_id: 'acme', role: 'ingest', exp: secondsFromNow(60) };
    const token = new JwtService().sign(claims, {
      algorithm: 'ES256',
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    // As it has to be written where a variable cannot hold line ends.
    const server = await up({ JWT_ALGORITHM: 'ES256', JWT_PUBLIC_KEY: pem.replaceAll('\n', '\\n') });

    expect((await record(server)).status).toBe(401);
    expect((await record(server, { authorization: `Bearer ${token}` })).status).toBe(202);
  });

  describe('on SIGTERM', () => {
    it.each(['SIGTERM', 'SIGINT'] as const)('(%s) says 1001 to its clients and exits with 0', async (signal) => {
      const server = await up();
      const clients = await Promise.all(
        ['/ws/skills', '/ws/metrics', '/ws/metrics'].map((path) => WireClient.open(server.url(path, 'ws'))),
      );
      await fetch(server.url('/health'));

      const startedAt = performance.now();
      server.kill(signal);

      for (const { closed } of clients) expect(await closed).toEqual({ code: 1001, reason: 'server shutting down' });
      expect(await server.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - startedAt).toBeLessThan(3000);
      expect(server.stderr).toBe('');
    });

    it('exits with 0 within 10 s beside a request that is never finished and a client that never answers', async () => {
      const server = await up();
      const request = connect(server.port, '127.0.0.1');
      const silent = connect(server.port, '127.0.0.1');
      for (const socket of [request, silent]) socket.on('error', () => undefined);
      request.write('POST /ingest/skills HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n');
      request.write('Content-Length: 1000\r\n\r\n[');
      silent.write('GET /ws/skills HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n');
      silent.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
      await once(silent, 'data');
      silent.pause();

      const startedAt = performance.now();
      server.kill('SIGTERM');

      expect(await server.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      for (const socket of [request, silent]) socket.destroy();
    });
  });
});
