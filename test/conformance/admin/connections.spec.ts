import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp, secondsFromNow } from '../../support/app.js';
import type { ChannelsClient } from '../../support/channels-client.js';
import { RestClient } from '../../support/rest-client.js';
import { NOT_FOUND } from '../../support/rest-reader.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

type Item = Readonly<Record<string, unknown>>;

const NOBODY = '82307b59-74c5-4a8e-8f0a-4bd3d4c3a8a5';

describe.each<Platform>(['express', 'fastify'])('connections on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let admin: RestClient;
  let operator: RestClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
    operator = new RestClient(app, { tenant_id: 'operations', sub: 'grace', roles: ['operator'] });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    admin = new RestClient(app, { tenant_id: tenant.id, sub: 'root', roles: ['admin'] });
  });

  const items = async (client: RestClient, query = ''): Promise<readonly Item[]> => {
    const { status, body } = await client.get(`/admin/connections${query}`);
    expect(status).toBe(200);
    return body['items'] as Item[];
  };

  const idOf = ({ welcome }: ChannelsClient) => welcome['client_id'] as string;

  describe('are listed', () => {
    it('with who they are, what they watch, and what waits for them', async () => {
      const start = Date.now();
      const client = await tenant.watch('MessagePack');
      await client.subscribe(['workflow.metrics', 'agent.metrics']);

      const [{ connected_at: connectedAt, ...rest } = {}, ...others] = await items(admin);
      expect(others).toEqual([]);
      expect(rest).toEqual({
        id: idOf(client),
        subject: `ada of ${tenant.id}`,
        tenant_id: tenant.id,
        dialect: 'channels',
        transport: 'websocket',
        encoding: 'msgpack',
        channels: ['agent.metrics', 'workflow.metrics'],
        queued_bytes: expect.any(Number) as number,
        conflated: 0,
        address: '127.0.0.1',
      });
      expect(connectedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(Date.parse(connectedAt as string)).toBeGreaterThanOrEqual(start);
      await client.close();
    });

    it('whatever they speak, and by whichever transport, until they are gone', async () => {
      const [tools, stream] = [await tenant.watchTools(), await tenant.stream('dialect=skills')];
      await Promise.all([tools.next(), stream.next()]);
      expect(await items(admin)).toMatchObject([
        { dialect: 'tools', transport: 'websocket', encoding: 'json', channels: ['tools.metrics'] },
        { dialect: 'skills', transport: 'sse', encoding: 'json', channels: ['skills.metrics'], address: '127.0.0.1' },
      ]);
      await Promise.all([tools.close(), stream.close()]);

      // The server notices a moment after the client.
      await expect.poll(() => items(admin), { timeout: 10_000 }).toEqual([]);
    });

    it('with what a slow reader has not read, and what was merged for it', async () => {
      await tenant.create('orders.metrics');
      const client = await tenant.watch();
      await client.subscribe(['orders.metrics']);
      client.wire.socket.pause();
      const values = Array.from({ length: 1000 }, () => gauge('orders.metrics', { tags: { note: 'x'.repeat(200) } }));
      let item: Item = {};
      while (!((item['conflated'] as number) > 0)) {
        await tenant.record('metrics', values);
        [item = {}] = await items(admin);
      }

      expect(item['queued_bytes']).toBeGreaterThan(0);
      client.wire.socket.terminate();
    });

    it('of its own tenants to an administrator, of all to an operator, and of one to whom names it', async () => {
      const other = new TestTenant(app);
      const clients = [await tenant.watch(), await other.watch()];
      const both = new RestClient(app, { tenant_id: tenant.id, tenants: [other.id], roles: ['admin'] });
      const tenantsOf = async (client: RestClient, query?: string) =>
        (await items(client, query)).map((item) => item['tenant_id']);

      expect(await tenantsOf(admin)).toEqual([tenant.id]);
      expect(await tenantsOf(both)).toEqual([tenant.id, other.id]);
      expect(await tenantsOf(both, `?tenant_id=${other.id}`)).toEqual([other.id]);
      expect(await tenantsOf(operator)).toEqual(expect.arrayContaining([tenant.id, other.id]));
      expect(await tenantsOf(operator, `?tenant_id=${other.id}`)).toEqual([other.id]);
      for (const stranger of [other.id, 'never-seen']) {
        expect(await admin.get(`/admin/connections?tenant_id=${stranger}`)).toMatchObject({
          status: 403,
          body: { code: 'no_tenant_access' },
        });
      }
      await Promise.all(clients.map((client) => client.close()));
    });

    it('a page after the other, the longest open first', async () => {
      const clients: ChannelsClient[] = [];
      for (let count = 0; count < 5; count++) {
        clients.push(await tenant.watch());
        // Those of one millisecond come in no order that could be told.
        const now = Date.now();
        while (Date.now() === now) await setImmediate();
      }
      const pages: string[][] = [];
      for (let cursor: unknown = ''; cursor !== null;) {
        const { body } = await admin.get(`/admin/connections?limit=2${cursor ? `&cursor=${cursor as string}` : ''}`);
        pages.push((body['items'] as Item[]).map(({ id }) => id as string));
        cursor = body['next_cursor'];
      }

      expect(pages.map(({ length }) => length)).toEqual([2, 2, 1]);
      expect(pages.flat()).toEqual(clients.map(idOf));
      for (const cursor of ['x', 'W10', 'WzEsMl0', 'e30']) {
        expect(await admin.get(`/admin/connections?cursor=${cursor}`)).toMatchObject({
          status: 400,
          body: { errors: [{ field: 'cursor' }] },
        });
      }
      await Promise.all(clients.map((client) => client.close()));
    });
  });

  describe('are closed', () => {
    it('with 1001, and may come back', async () => {
      const client = await tenant.watch();
      expect(await admin.delete(`/admin/connections/${idOf(client)}`)).toMatchObject({ status: 204, body: {} });

      expect(await client.closed).toEqual({ code: 1001, reason: 'disconnected by an administrator' });
      expect(await items(admin)).toEqual([]);
      const again = await tenant.watch();
      expect(await items(admin)).toMatchObject([{ id: idOf(again) }]);
      await again.close();
    });

    it('also where they are streams, which are told to connect again', async () => {
      const stream = await tenant.stream('dialect=tools');
      await stream.next();
      const [item] = await items(admin);
      await operator.delete(`/admin/connections/${item!['id'] as string}`);

      expect(await stream.next({ code: 1001 })).toMatchObject({
        type: 'error',
        message: { reason: 'disconnected by an administrator', reconnect: true },
      });
      await stream.closed;
    });

    it('and that is written down: by whom, and what it was', async () => {
      const client = await tenant.watch();
      const [item] = await items(admin);
      await admin.delete(`/admin/connections/${idOf(client)}`);

      const { body } = await admin.get('/admin/audit');
      expect(body['items']).toMatchObject([
        { actor: 'root', tenant_id: tenant.id, action: 'connection.close', before: item, after: null },
      ]);
    });

    it('not where they are of another tenant, as where there is none', async () => {
      const other = new TestTenant(app);
      const client = await other.watch();
      for (const id of [idOf(client), NOBODY, 'x', '%00', '__proto__']) {
        expect(await admin.delete(`/admin/connections/${id}`)).toMatchObject(NOT_FOUND);
      }

      expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
      expect((await admin.get('/admin/audit')).body['items']).toEqual([]);
      await client.close();
    });
  });

  it('are for administrators: others get 403, strangers 401', async () => {
    const client = await tenant.watch();
    for (const method of ['GET', 'DELETE'] as const) {
      const path = `/admin/connections${method === 'GET' ? '' : `/${idOf(client)}`}`;
      for (const roles of [['viewer'], ['ingest'], []]) {
        const other = new RestClient(app, { tenant_id: tenant.id, roles });
        expect(await other.ask(method, path)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      }
      const late = new RestClient(app, { tenant_id: tenant.id, roles: ['admin'], exp: secondsFromNow(-9) });
      expect(await late.ask(method, path)).toMatchObject({ status: 401 });
    }
    expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await client.close();
  });
});
