import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../../support/app.js';
import { WireClient } from '../../support/wire-client.js';

const CLAIMS = { tenant_id: 'acme', tenants: ['beta', 'gamma'] };

const CHOICES = [
  { query: '', tenant: 'acme' },
  { query: '?tenant_id=acme', tenant: 'acme' },
  { query: '?tenant_id=beta', tenant: 'beta' },
  { query: '?workspace_id=gamma', tenant: 'gamma' },
  { query: '?workspaceId=beta', tenant: 'beta' },
  { query: '?tenant_id=b%65ta', tenant: 'beta' },
];
const REFUSED: { why: string; query: string; name?: string }[] = [
  { why: 'another tenant', query: '?tenant_id=delta', name: 'delta' },
  { why: 'another workspace', query: '?workspace_id=delta', name: 'delta' },
  { why: 'a tenant in other letters', query: '?tenant_id=ACME', name: 'ACME' },
  { why: 'no tenant', query: '?tenant_id=' },
  { why: 'what can be no tenant', query: '?tenant_id=..%2Facme' },
  { why: 'a tenant twice', query: '?tenant_id=acme&tenant_id=acme' },
  { why: 'two tenants', query: '?tenant_id=acme&tenant_id=beta' },
  { why: 'two names of it', query: '?tenant_id=acme&workspace_id=beta' },
  { why: 'a list of one', query: '?tenant_id[]=acme' },
  { why: 'a list of one, encoded', query: '?tenant_id%5B%5D=acme' },
  { why: 'an indexed list', query: '?tenant_id[0]=acme' },
  { why: 'a list beside a text', query: '?tenant_id=acme&tenant_id[]=acme' },
  { why: 'a list in a text', query: '?tenant_id=acme,beta' },
];

describe('the tenant of an address', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());

  const headers = { authorization: `Bearer ${tokenWith(CLAIMS)}` };
  const open = (path: string) => WireClient.open(app.url(path, 'ws'), { headers });

  it.each(CHOICES)('chooses among those of the token: "$query" is $tenant', async ({ query, tenant }) => {
    const client = await open(`/ws/metrics${query}`);

    expect(await client.next()).toMatchObject({ type: 'welcome', tenant_id: tenant });
    await client.close();
  });

  it('decides what a connection gets, and where a request records', async () => {
    const [acme, beta] = [await open('/ws/skills?tenant_id=acme'), await open('/ws/skills?tenant_id=beta')];
    const recorded = await app.post('/ingest/skills?tenant_id=beta', { skill_name: 'lint', completed: true }, headers);
    const lists = (client: WireClient, names: string[]) =>
      client.find(({ data }) => {
        const { top_skills = [] } = (data ?? {}) as { top_skills?: { skill_name: string }[] };
        return (
          data !== undefined && JSON.stringify(top_skills.map(({ skill_name }) => skill_name)) === JSON.stringify(names)
        );
      });

    expect(recorded.status).toBe(202);
    await lists(beta, ['lint']);
    // The tick after, which would show it.
    await lists(acme, []);
    await lists(acme, []);
    await Promise.all([acme.close(), beta.close()]);
  });

  it.each(REFUSED)('is refused where it names $why: an error, then 4403', async ({ query, name }) => {
    const message = name ? `No access to workspace ${name}` : 'No access to workspace';
    const [channels, skills] = [await open(`/ws/metrics${query}`), await open(`/ws/skills${query}`)];

    expect(await channels.next()).toEqual({
      type: 'error',
      message,
      code: 'no_tenant_access',
    });
    expect(await channels.closed).toEqual({ code: 4403, reason: 'tenant or channel not allowed' });
    expect(await skills.next()).toMatchObject({ type: 'error', message });
    expect(await skills.closed).toMatchObject({ code: 4403 });
  });

  it.each(REFUSED)('is refused by REST where it names $why, with 403', async ({ query }) => {
    const answer = await app.post(`/ingest/skills${query}`, { skill_name: 'lint', completed: true }, headers);

    expect(answer).toMatchObject({ status: 403, body: { statusCode: 403, code: 'no_tenant_access' } });
  });

  it('says nothing about a tenant to who has no valid token', async () => {
    const client = await WireClient.open(app.url('/ws/metrics?tenant_id=delta&token=garbage', 'ws'));

    expect(await client.next()).toMatchObject({ message: 'Invalid authentication token' });
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  it('has nothing done that came before it was refused', async () => {
    const client = await open('/ws/metrics?tenant_id=delta');
    client.send({ type: 'subscribe', data: { channels: ['system.metrics'] } });
    client.send({ type: 'ping' });
    await client.closed;

    expect(client.unread).toMatchObject([{ type: 'error', code: 'no_tenant_access' }]);
  });
});
