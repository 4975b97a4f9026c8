import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { type ChannelsClient, ENCODINGS } from '../../support/channels-client.js';
import { RestReader } from '../../support/rest-reader.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

const OPERATOR = { roles: ['operator'] };

describe('gateway.metrics', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const operatorOf = async (one: TestTenant, options: Record<string, unknown> = {}): Promise<ChannelsClient> => {
    const operator = await one.watch('JSON', one.token(OPERATOR));
    await operator.subscribe(['gateway.metrics'], options);
    return operator;
  };

  it.each(ENCODINGS)('is what the instance does, for operators, over %s', async (encoding) => {
    const operator = await tenant.watch(encoding, tenant.token(OPERATOR));
    await operator.subscribe(['gateway.metrics']);
    const { timestamp, tags, offset, ...state } = await operator.nextOf('gateway.metrics');

    expect([typeof timestamp, typeof tags, typeof offset]).toEqual(['string', 'object', 'number']);
    expect(state).toMatchObject({ channel: 'gateway.metrics', connections: 1, subscriptions: 1, audiences: 1 });
    expect(Object.keys(state).sort()).toEqual([
      ...['audiences', 'bytes_per_second', 'channel', 'commit_ms', 'conflated_total', 'connections'],
      ...['event_loop_lag_ms', 'frames_per_second', 'publications_per_second', 'queued_bytes', 'queued_rows'],
      'subscriptions',
    ]);
    await operator.close();
  });

  it('counts over all tenants, and measures what happens', async () => {
    const operator = await operatorOf(tenant);
    const other = new TestTenant(app);
    await other.create('orders.metrics');
    const client = await other.watch();
    await client.subscribe(['orders.metrics']);
    await other.record(
      'metrics',
      Array.from({ length: 1000 }, () => gauge('orders.metrics')),
    );

    // A second may end between what is committed and what is sent of it.
    const shown = { commits: false, frames: false, lag: false };
    const all = await operator.wire.find((state) => {
      const is = (name: string, above: number) => (state[name] as number) > above;
      shown.commits ||= is('commit_ms', 0);
      shown.lag ||= state['event_loop_lag_ms'] !== null;
      shown.frames ||=
        is('publications_per_second', 250) && is('frames_per_second', 250) && is('bytes_per_second', 250 * 100);
      return shown.commits && shown.lag && shown.frames;
    });
    expect(all).toMatchObject({ connections: 2, subscriptions: 2 });
    // It is the last second that is shown, and not the time since the beginning.
    await operator.wire.find(({ publications_per_second: publications }) => (publications as number) < 100);
    await Promise.all([operator.close(), client.close()]);
  });

  it('has its numbers as points', async () => {
    const operator = await operatorOf(tenant, { format: 'points' });

    await operator.wire.find(({ name, type, value }) => name === 'connections' && type === 'gauge' && value === 1);
    await operator.wire.find(
      ({ name, type, value }) => name === 'conflated_total' && type === 'counter' && value === 0,
    );
    await operator.wire.find(({ name, value }) => name === 'publications_per_second' && (value as number) >= 0);
    await operator.close();
  });

  it('does not exist for anybody else, live or by REST', async () => {
    const admin = await tenant.watch('JSON', tenant.token({ roles: ['admin', 'viewer', 'ingest'] }));
    expect(await admin.subscribe(['gateway.metrics'])).toMatchObject({ code: 'unknown_channel' });
    await admin.close();

    const path = '/channels/gateway.metrics/latest';
    expect(await new RestReader(app, tenant, { roles: ['admin'] }).get(path)).toMatchObject({ status: 404 });
    expect(await new RestReader(app, tenant, OPERATOR).get(path)).toMatchObject({
      status: 200,
      body: { channel: 'gateway.metrics', connections: expect.any(Number) as number },
    });
  });
});
