import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { changeSettings } from '../../support/settings.js';
import { TestTenant, alert, completion, gauge, usage } from '../../support/test-tenant.js';

const OFF = 'Metrics streaming is disabled in settings';
const STOPPED = [
  { metrics_streaming: false },
  { performance_profile: 'batch_only' },
  { performance_profile: 'disabled' },
];
const BACK = { metrics_streaming: null, performance_profile: null };

let app: TestApp;
let tenant: TestTenant;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
});
afterAll(() => app.close());
beforeEach(() => {
  tenant = new TestTenant(app);
});

describe.each(STOPPED)('a tenant with %j', (settings) => {
  it('`tools`: is told so, is sent nothing, and streams again when that is taken back', async () => {
    const client = await tenant.watchTools();
    await client.next({ type: 'metrics' });
    await changeSettings(app, tenant, settings);
    await client.next({ type: 'error', error: OFF });
    await tenant.record('usage', [usage()]);
    client.send({ type: 'ping' });
    const until = await client.upTo({ type: 'pong' });
    expect(until).toEqual([{ type: 'pong' }]);
    await changeSettings(app, tenant, BACK);

    expect(await client.next({ type: 'metrics' })).toMatchObject({ data: { embeddings: { status: 'healthy' } } });
    await client.close();
  });

  it('`channels`: is told so, is sent neither values nor events, and keeps what was recorded', async () => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch();
    await client.subscribe(['orders.metrics', 'alerts.events', 'system.metrics']);
    await changeSettings(app, tenant, settings);
    await client.next({ type: 'settings', streaming: false });
    await tenant.record('metrics', [gauge('orders.metrics', { value: 7 })]);
    await tenant.record('alerts', [alert()]);
    expect((await client.settled()).filter(({ channel }) => channel)).toEqual([]);
    await changeSettings(app, tenant, BACK);
    await client.next({ type: 'settings', streaming: true });
    await tenant.record('metrics', [gauge('orders.metrics', { value: 8 })]);

    expect(await client.nextOf('orders.metrics')).toMatchObject({ value: 8 });
    await client.close();
  });

  it('says so to who subscribes', async () => {
    await changeSettings(app, tenant, settings);
    const client = await tenant.watch();
    expect(await client.subscribe(['system.metrics'])).toMatchObject({ type: 'subscribed' });
    expect(await client.next({ type: 'error' })).toMatchObject({ message: OFF, code: 'streaming_disabled' });
    const workspace = await tenant.watchWorkspace();
    workspace.send({ type: 'subscribe', event_types: ['alert'] });
    await workspace.next({ event: 'subscribed' });
    expect(await workspace.next({ event: 'error' })).toMatchObject({ error: OFF, code: 'streaming_disabled' });
    await client.close();
    await workspace.close();
  });

  it('tells streams of server-sent events', async () => {
    const stream = await tenant.stream('dialect=tools');
    await changeSettings(app, tenant, settings);

    expect(await stream.next({ type: 'error', error: OFF })).toMatchObject({ type: 'error' });
    await stream.close();
  });
});

describe('a feature that is switched off', () => {
  it('is a section less in `tools`, until it is switched on again', async () => {
    const client = await tenant.watchTools();
    expect(Object.keys((await client.next({ type: 'metrics' }))['data'] as object)).toContain('compression');
    await changeSettings(app, tenant, { features: { compression: false } });
    await client.find(({ type, data }) => type === 'metrics' && !('compression' in (data as object)));
    await changeSettings(app, tenant, { features: { compression: true } });

    await client.find(({ type, data }) => type === 'metrics' && 'compression' in (data as object));
    await client.close();
  });

  it('is a channel on which nothing is sent, and a subscribe says so', async () => {
    await changeSettings(app, tenant, { features: { workflows: false } });
    const client = await tenant.watch();
    await client.subscribe(['workflow.metrics', 'agent.metrics']);
    expect(await client.next({ type: 'error' })).toMatchObject({
      code: 'feature_disabled',
      channel: 'workflow.metrics',
    });
    const latest = await fetch(app.url('/channels/workflow.metrics/latest'), {
      headers: { authorization: `Bearer ${tenant.token()}` },
    });
    expect([latest.status, await latest.json()]).toMatchObject([409, { code: 'feature_disabled' }]);
    await tenant.record('executions', [completion('run-1', { kind: 'workflow' })]);
    await client.nextOf('agent.metrics');
    expect((await client.settled()).filter(({ channel }) => channel === 'workflow.metrics')).toEqual([]);
    await changeSettings(app, tenant, { features: { workflows: true } });

    await client.nextOf('workflow.metrics');
    await client.close();
  });
});
