import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { RestReader } from '../../support/rest-reader.js';
import { TestTenant, alert, completion, decision, gauge, run, usage } from '../../support/test-tenant.js';

/** Of nothing that is recorded below. */
const NOTHING = { shop: 'nowhere' };

describe('a token with a filter that lets nothing through', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    tenant = new TestTenant(app);
    await recordOfEverything();
  });
  afterAll(() => app.close());

  async function recordOfEverything(runId = 'run-1'): Promise<void> {
    await tenant.record('metrics', gauge('orders.metrics', { tags: { shop: 'north' } }));
    await tenant.record('skills', run('lint'));
    await tenant.record('usage', usage());
    await tenant.record('decisions', decision());
    await tenant.record('executions', completion(runId, { kind: 'workflow' }));
    await tenant.record('alerts', alert());
  }

  const CHANNELS = [
    ...['orders.metrics', 'skills.metrics', 'tools.metrics', 'routing.metrics', 'system.metrics'],
    ...['workflow.metrics', 'agent.metrics', 'executions.metrics', 'distributed.metrics'],
    ...['executions.events', 'alerts.events'],
  ];

  it.each([
    ...CHANNELS.map((channel) => `/channels/${channel}/latest`),
    '/skills/lint',
    '/skills/lint/anomalies',
    '/routing/metrics',
  ])('finds nothing at %s', async (path) => {
    const status = async (claims: object) => (await new RestReader(app, tenant, { ...claims }).get(path)).status;
    expect(await status({})).toBe(200);
    expect(await status({ filter: NOTHING })).toBe(404);
  });

  it('finds no skill in the list, and nothing that would say when something was recorded', async () => {
    const limited = new RestReader(app, tenant, { filter: NOTHING });
    expect((await limited.get('/skills')).body).toMatchObject({ items: [] });
    const { items } = (await limited.get('/channels')).body as { items: { last_at: string | null }[] };
    expect(items.filter(({ last_at }) => last_at !== null)).toEqual([]);
    const all = (await new RestReader(app, tenant).get('/channels')).body as { items: typeof items };
    expect(all.items.filter(({ last_at }) => last_at !== null)).not.toEqual([]);
  });

  it('is sent nothing by a socket or a stream, whatever it asks for', async () => {
    const token = tenant.token({ filter: NOTHING });
    const socket = await tenant.watch('JSON', token);
    await socket.subscribe(CHANNELS, { format: 'points' });
    const stream = await tenant.stream(`dialect=channels&channels=${CHANNELS.join()}`, token);
    await stream.next({ type: 'subscribed' });
    // Who may see it all shows when all of it has been sent.
    const witness = await tenant.watch();
    await witness.subscribe(CHANNELS);
    await recordOfEverything('run-2');
    const missing = new Set([
      'orders.metrics',
      'skills.metrics',
      'system.metrics',
      'executions.events',
      'alerts.events',
    ]);
    await witness.wire.find(({ channel }) => missing.delete(channel as string) && missing.size === 0);

    expect(await socket.settled()).toEqual([]);
    expect(stream.unread).toEqual([]);
    await Promise.all([socket.close(), stream.close(), witness.close()]);
  });

  it('has none of the figures that can be asked for', async () => {
    const client = await tenant.watchWorkspace(tenant.token({ filter: NOTHING }));
    client.send({ type: 'request_metrics', metric_type: 'executions' });
    expect(await client.next({ event: 'error' })).toMatchObject({ code: 'not_found' });
    await client.close();
  });
});
