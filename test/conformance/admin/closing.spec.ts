import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WriteQueue } from '../../../src/store/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { CapturedLog } from '../../support/captured-log.js';
import { keepFull } from '../../support/full-queue.js';
import { RestClient } from '../../support/rest-client.js';
import { NOT_FOUND } from '../../support/rest-reader.js';
import { TestTenant } from '../../support/test-tenant.js';

describe('a connection that an administrator closes', () => {
  const log = new CapturedLog();
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
    app.app.useLogger(log);
  });
  afterAll(() => app.close());

  const meet = async () => {
    const tenant = new TestTenant(app);
    const client = await tenant.watch();
    // Printable, but for a mark that turns the direction of reading.
    const admin = new RestClient(app, { tenant_id: tenant.id, sub: 'ro\u200eot', roles: ['admin'] });
    const id = client.welcome['client_id'] as string;
    return { client, tenant: tenant.id, admin, id, close: () => admin.delete(`/admin/connections/${id}`) };
  };

  it('is closed once, and written down once, however many ask for it at the same time', async () => {
    const { client, admin, close } = await meet();
    const answers = await Promise.all(Array.from({ length: 8 }, close));

    const others = answers.filter(({ status }) => status !== 204);
    expect(others).toHaveLength(7);
    for (const answer of others) expect(answer).toMatchObject(NOT_FOUND);
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect((await admin.get('/admin/audit')).body['items']).toMatchObject([{ action: 'connection.close' }]);
  });

  it('is closed also where that cannot be written down: 503, and the log has it', async () => {
    const { client, tenant, id, close } = await meet();
    const release = keepFull(app.app.get(WriteQueue, { strict: false }));
    const answer = await close();
    await release();

    expect(answer).toMatchObject({ status: 503, body: { code: 'busy' } });
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(log.text).toContain(
      `Connection ${id} of ${tenant} was closed by ro\ufffdot, which could not be written down: ` +
        'MetricastError: Storage cannot take more now',
    );
  });
});
