import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../../support/app.js';
import { TestTenant, alert, completion } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';
import { WorkspaceClient } from '../../support/workspace-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string;

describe('connecting to the workspace dialect', () => {
  let app: TestApp;
  let open: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    open = await TestApp.start();
  });
  afterAll(() => Promise.all([app.close(), open.close()]));

  it('is greeted with an id of its own and the workspace', async () => {
    const tenant = new TestTenant(app);
    const [one, other] = [await tenant.watchWorkspace(), await tenant.watchWorkspace()];

    for (const { connected } of [one, other]) {
      expect(connected).toEqual({ event: 'connected', connection_id: UUID, workspace_id: tenant.id, timestamp: ISO });
    }
    expect(one.connected['connection_id']).not.toBe(other.connected['connection_id']);
    await Promise.all([one.close(), other.close()]);
  });

  it.each([
    { tenant_id: undefined, workspace_id: 'acme' },
    { tenant_id: undefined, workspaceId: 'acme' },
  ])('takes the workspace from the claims %j', async (claims) => {
    const client = await WorkspaceClient.open(app.url(`/ws?token=${tokenWith(claims)}`, 'ws'));

    expect(client.connected).toMatchObject({ event: 'connected', workspace_id: 'acme' });
    await client.close();
  });

  it('chooses by workspace_id among those that the token allows', async () => {
    const token = tokenWith({ workspaces: ['beta'] });
    const client = await WorkspaceClient.open(app.url(`/ws?token=${token}&workspace_id=beta`, 'ws'));

    expect(client.connected).toMatchObject({ workspace_id: 'beta' });
    await client.close();
  });

  it('needs no token in open mode', async () => {
    const client = await WorkspaceClient.open(open.url('/ws', 'ws'));

    expect(client.connected).toMatchObject({ event: 'connected', workspace_id: 'local' });
    await client.close();
  });

  it('gives nothing but the greeting before a subscribe', async () => {
    const tenant = new TestTenant(app);
    const [client, reader] = [await tenant.watchWorkspace(), await tenant.watchWorkspace()];
    await reader.subscribe('execution_completed', 'alert', 'metrics_update');
    await tenant.record('executions', completion('run-1'));
    await tenant.record('alerts', alert());

    await reader.next({ event: 'execution_completed' });
    await reader.next({ event: 'alert' });
    for (let update = 0; update < 3; update++) await reader.next({ event: 'metrics_update' });

    expect(await client.settled()).toEqual([]);
    await Promise.all([client.close(), reader.close()]);
  });

  it('may name the event types in the address, as a first subscribe', async () => {
    const tenant = new TestTenant(app);
    const path = `/ws?token=${tenant.token()}&event_types=execution_completed,nope&event_types=alert`;
    const client = await WorkspaceClient.open(app.url(path, 'ws'));

    expect(await client.next()).toMatchObject({ event: 'error', error: 'Unknown event type nope' });
    expect(await client.next()).toEqual({
      event: 'subscribed',
      event_types: ['alert', 'execution_completed'],
      timestamp: ISO,
    });
    await tenant.record('alerts', alert());
    expect(await client.next()).toMatchObject({ event: 'alert' });
    await client.close();
  });
});

describe('the workspace dialect refuses', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  /** What a client is sent that says all it has to say at once, and how it ends. */
  const refusalOf = async (query: string) => {
    const client = await WireClient.open(app.url(`/ws${query}`, 'ws'));
    client.send({ type: 'subscribe', event_types: ['alert'] });
    client.send({ type: 'ping' });
    const closing = await client.closed;
    return [client.unread, closing];
  };

  it.each([
    { who: 'no token', query: '' },
    { who: 'a token that is none', query: '?token=garbage' },
    {
      who: 'a token of another secret',
      query: `?token=${tokenWith({}, 'another secret, as long as it takes to be one')}`,
    },
  ])('one with $who: an error, then 4401', async ({ query }) => {
    expect(await refusalOf(query)).toEqual([
      [{ event: 'error', error: 'Invalid authentication token', code: 'unauthenticated', timestamp: ISO }],
      { code: 4401, reason: 'invalid authentication token' },
    ]);
  });

  it('one who asks for a workspace that the token does not allow: an error that names it, then 4403', async () => {
    expect(await refusalOf(`?token=${tokenWith()}&workspace_id=delta`)).toEqual([
      [{ event: 'error', error: 'No access to workspace delta', code: 'no_tenant_access', timestamp: ISO }],
      { code: 4403, reason: 'tenant or channel not allowed' },
    ]);
  });

  it.each([
    { type: 'subscribe', event_types: ['alert', 'metrics_update'] },
    { type: 'request_metrics', metric_type: 'executions' },
  ])('$type to one who may not read: an error, and no events', async (command) => {
    const tenant = new TestTenant(app);
    const reader = await tenant.watchWorkspace();
    const writer = await tenant.watchWorkspace(tenant.token({ roles: ['ingest'] }));
    await reader.subscribe('alert', 'metrics_update');
    writer.send(command);

    expect(await writer.next()).toEqual({
      event: 'error',
      error: 'Not allowed: needs the role viewer',
      code: 'forbidden',
      timestamp: ISO,
    });
    await tenant.record('alerts', alert());
    await reader.next({ event: 'alert' });
    for (let update = 0; update < 3; update++) await reader.next({ event: 'metrics_update' });
    expect(await writer.settled()).toEqual([]);
    await Promise.all([reader.close(), writer.close()]);
  });
});
