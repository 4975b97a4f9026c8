import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../../support/app.js';
import { WireClient } from '../../support/wire-client.js';

describe('the claims of a token', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());

  const open = (claims: Record<string, unknown>) =>
    WireClient.open(app.url(`/ws/metrics?token=${tokenWith(claims)}`, 'ws'));
  const firstOf = async (claims: Record<string, unknown>) => {
    const client = await open(claims);
    const first = await client.next();
    client.socket.terminate();
    return first;
  };

  it.each([
    { claims: { tenant_id: 'a' }, tenant: 'a' },
    { claims: { workspace_id: 'b' }, tenant: 'b' },
    { claims: { workspaceId: 'c' }, tenant: 'c' },
    { claims: { tenant_id: 'a', workspace_id: 'b', workspaceId: 'c' }, tenant: 'a' },
    { claims: { workspace_id: 'b', workspaceId: 'c' }, tenant: 'b' },
    { claims: { tenants: ['d', 'e'] }, tenant: 'd' },
    { claims: { workspaces: ['f'] }, tenant: 'f' },
    { claims: { tenant_id: 'a', tenants: ['d'] }, tenant: 'a' },
    { claims: { tenant_id: 'A-1_b.C' }, tenant: 'A-1_b.C' },
  ])('name the tenant: $claims is of $tenant', async ({ claims, tenant }) => {
    expect(await firstOf({ tenant_id: undefined, ...claims })).toMatchObject({ type: 'welcome', tenant_id: tenant });
  });

  it.each([
    { claims: { roles: ['viewer'] }, reads: true },
    { claims: { roles: ['ingest', 'viewer'] }, reads: true },
    { claims: { roles: ['admin'] }, reads: true },
    { claims: { roles: ['operator'] }, reads: true },
    { claims: { role: 'viewer' }, reads: true },
    { claims: {}, reads: true },
    { claims: { roles: null }, reads: true },
    { claims: { roles: ['ingest'] }, reads: false },
    { claims: { role: 'ingest' }, reads: false },
    { claims: { roles: [] }, reads: false },
    { claims: { roles: ['Viewer', 'root', 7] }, reads: false },
    { claims: { roles: ['ingest'], role: 'viewer' }, reads: false },
  ])('say whether their holder may read: $claims $reads', async ({ claims, reads }) => {
    const client = await open({ roles: undefined, ...claims });
    await client.next({ type: 'welcome' });
    client.send({ type: 'subscribe', data: { channels: ['system.metrics'] } });

    expect(await client.next()).toMatchObject(
      reads ? { type: 'subscribed', channels: ['system.metrics'] } : { type: 'error', code: 'forbidden' },
    );
    await client.close();
  });

  it.each([
    { claims: { roles: ['ingest'] }, status: 202 },
    { claims: { role: 'ingest' }, status: 202 },
    { claims: { roles: ['viewer', 'ingest'] }, status: 202 },
    { claims: { roles: ['operator'] }, status: 202 },
    { claims: { roles: ['viewer'] }, status: 403 },
    { claims: { roles: ['admin'] }, status: 403 },
    { claims: {}, status: 403 },
    { claims: { roles: [] }, status: 403 },
    { claims: { roles: 'ingest' }, status: 202 },
  ])('say whether their holder may record: $claims is answered $status', async ({ claims, status }) => {
    const authorization = `Bearer ${tokenWith({ roles: undefined, ...claims })}`;
    for (const [path, item] of [
      ['/ingest/skills', { skill_name: 'lint', completed: true }],
      ['/ingest/metrics', { channel: 'orders.metrics', name: 'placed', type: 'gauge', value: 1 }],
    ] as const) {
      const answer = await app.post(path, item, { authorization });

      expect(answer.status).toBe(status);
      if (status === 403) {
        expect(answer.body).toEqual({
          statusCode: 403,
          code: 'forbidden',
          message: 'Not allowed: needs the role ingest',
        });
      }
    }
  });
});
