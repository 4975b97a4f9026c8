import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { ENCODINGS } from '../../support/channels-client.js';
import { TestTenant, gauge } from '../../support/test-tenant.js';

const LIMIT = 10;

describe.each(ENCODINGS)('the limit of messages a minute over %s', (encoding) => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, maxMessagesPerMinute: LIMIT, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  /** A client whose subject has nothing left of its budget. */
  const exhausted = async () => {
    const client = await tenant.watch(encoding);
    await tenant.create('orders.metrics');
    await client.subscribe(['orders.metrics', 'skills.metrics']);
    for (let message = 0; message < LIMIT; message++) client.send({ type: 'ping' });
    await client.next({ type: 'error' });
    return client;
  };

  it('is answered with the seconds until there is budget again', async () => {
    const client = await exhausted();
    client.send({ type: 'ping' });

    const error = await client.next({ type: 'error' });

    expect(error).toEqual({
      type: 'error',
      message: 'Rate limit exceeded',
      code: 'rate_limited',
      retry_after: expect.any(Number) as number,
    });
    expect(error['retry_after']).toBeGreaterThan(0);
    expect(error['retry_after']).toBeLessThanOrEqual(60);
    await client.close();
  });

  it('drops what is over it, and ends nothing: values and states still come', async () => {
    const client = await exhausted();
    client.send({ type: 'unsubscribe' });
    await client.next({ type: 'error' });
    await tenant.record('metrics', gauge('orders.metrics'));

    await client.nextOf('orders.metrics');
    await client.nextOf('skills.metrics');
    await client.close();
  });

  it('does not count frames over it as malformed, however many', async () => {
    const client = await exhausted();
    for (let message = 0; message < 30; message++) client.wire.sendRaw('not JSON');

    for (let message = 0; message < 30; message++) {
      expect(await client.next({ type: 'error' })).toMatchObject({ code: 'rate_limited' });
    }
    await client.close();
  });

  it('is that of the subject: a new connection begins with what is left', async () => {
    await (await exhausted()).close();
    const again = await tenant.watch('JSON');
    again.send({ type: 'ping' });

    expect(await again.next()).toMatchObject({ code: 'rate_limited' });
    await again.close();
  });

  it('is not that of the tenant: another subject has its own', async () => {
    const client = await exhausted();
    const colleague = await tenant.watch(encoding, tenant.token({ sub: 'grace' }));

    expect(await colleague.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await Promise.all([client.close(), colleague.close()]);
  });
});
