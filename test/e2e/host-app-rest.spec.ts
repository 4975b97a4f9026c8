import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform } from '../support/app.js';
import { type RunningHost, Scratch } from '../support/host.js';
import { TEA, startShop } from '../support/shop.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const TEST_RUN = { skill_name: 'pytest-run', completed: true };

describe.each<Platform>(['express', 'fastify'])('our REST in the example host on %s', (platform) => {
  const scratch = new Scratch();
  let host: RunningHost;

  beforeAll(async () => {
    host = await startShop(platform, scratch);
  });

  afterAll(async () => {
    await host.close();
    scratch.remove();
  });

  it("answers as documented below the prefix, whatever the host's interceptor does", async () => {
    expect(await host.get('/api/health/live')).toEqual([200, { status: 'ok' }]);
    expect(await host.get('/api/health')).toEqual([200, expect.objectContaining({ status: 'ok', database: 'up' })]);
    expect(await host.post('/api/ingest/skills', [TEST_RUN, {}])).toEqual([
      202,
      { accepted: 1, rejected: [{ index: 1, field: 'skill_name', message: expect.any(String) }] },
    ]);
  });

  it("fails as documented, whatever the host's filter does", async () => {
    expect(await host.post('/api/ingest/skills', 'not JSON')).toEqual([
      400,
      { statusCode: 400, code: 'bad_request', message: expect.stringContaining('not JSON') },
    ]);
    expect(await host.post('/api/ingest/metrics', {}, { 'content-type': 'text/plain' })).toEqual([
      415,
      { statusCode: 415, code: 'unsupported_media_type', message: expect.stringContaining('application/json') },
    ]);
  });

  it("is guarded by the host's global guard", async () => {
    expect(await host.post('/api/ingest/skills', TEST_RUN, { 'x-banned': '1' })).toEqual([
      403,
      { statusCode: 403, code: 'forbidden', message: 'Not allowed' },
    ]);
  });

  it("leaves the host's routes to the host", async () => {
    expect((await fetch(host.url('/health'))).status).toBe(404);
    expect(await host.get('/api/nothing')).toEqual([404, { error: { status: 404, message: expect.any(String) } }]);
    expect(await host.post('/api/orders', { ...TEA, surplus: 1 })).toEqual([
      400,
      { error: { status: 400, message: expect.any(String) } },
    ]);
  });

  describe('a body', () => {
    const MIB = 1024 * 1024;
    /** A run whose JSON has that many bytes. */
    const runOf = (bytes: number) => {
      const empty = JSON.stringify({ ...TEST_RUN, padding: '' });
      return JSON.stringify({ ...TEST_RUN, padding: 'x'.repeat(bytes - empty.length) });
    };

    it.each([200 * 1024, 2 * MIB, 5 * MIB])('of %i bytes is taken for us', async (bytes) => {
      expect(await host.post('/api/ingest/skills', runOf(bytes))).toEqual([202, { accepted: 1, rejected: [] }]);
    });

    it.each([5 * MIB + 1, 6 * MIB])('of %i bytes is refused with 413', async (bytes) => {
      expect(await host.post('/api/ingest/skills', runOf(bytes))).toEqual([
        413,
        { statusCode: 413, code: 'too_large', message: expect.any(String) },
      ]);
    });

    it.each([
      ['that says how long it is', {}],
      ['that does not', { 'transfer-encoding': 'chunked' }],
    ])('%s, and is too long, leaves its connection to the next request', async (_which, headers) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const refused = request(host.url('/api/ingest/skills'), {
        agent,
        method: 'POST',
        headers: { ...JSON_TYPE, ...headers },
      });
      refused.end(runOf(8 * MIB));
      const [answer] = (await once(refused, 'response')) as [IncomingMessage];
      expect(answer.statusCode).toBe(413);
      const { socket } = refused;
      await once(answer.resume(), 'end');

      const next = request(host.url('/api/health'), { agent }).end();
      const [health] = (await once(next, 'response')) as [IncomingMessage];
      expect(health.statusCode).toBe(200);
      expect(next.socket === socket).toBe(true);
      await once(health.resume(), 'end');
      agent.destroy();
    });

    it("for the host meets the host's own limit", async () => {
      const order = JSON.stringify({ ...TEA, item: 'x'.repeat(platform === 'express' ? 100 * 1024 : MIB) });
      const refused = request(host.url('/api/orders'), {
        method: 'POST',
        headers: { ...JSON_TYPE, 'content-length': order.length },
      });
      // Fastify does not wait for a body that is announced to be too long, and closes the connection.
      if (platform === 'fastify') refused.flushHeaders();
      else refused.end(order);
      const [answer] = (await once(refused, 'response')) as [IncomingMessage];
      expect(answer.statusCode).toBe(413);
      refused.destroy();

      expect(await host.post('/api/orders', { ...TEA, item: 'x'.repeat(90 * 1024) })).toEqual([201, expect.anything()]);
    });
  });
});
