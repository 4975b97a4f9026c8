import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE, WriteQueue } from '../../../src/store/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { keepFull } from '../../support/full-queue.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

describe('a server whose storage cannot take more', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const kinds = [
    { kind: 'skills', table: 'metricast_skill_invocation', item: run('lint', { id: 'one' }) },
    { kind: 'metrics', table: 'metricast_metric_point', item: gauge('orders.metrics', { id: 'one' }) },
  ] as const;

  const BUSY = { statusCode: 503, code: 'busy', message: 'Storage cannot take more now' };

  it.each(kinds)('answers 503 for $kind, and after how many seconds to come again', async ({ kind, item }) => {
    const release = keepFull(app.app.get(WriteQueue, { strict: false }));
    const answer = await tenant.record(kind, [item, item]);
    await release();

    expect(answer).toMatchObject({ status: 503, body: BUSY });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });

  it.each(kinds)('answers 503 for $kind where the database fails', async ({ kind, table, item }) => {
    const database = app.app.get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false });
    await database.query(`ALTER TABLE ${table} RENAME TO away`);
    const answer = await tenant.record(kind, item);
    await database.query(`ALTER TABLE away RENAME TO ${table}`);

    expect(answer).toMatchObject({ status: 503, body: BUSY });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(JSON.stringify(answer.body)).not.toContain('metricast_');
    // The id was not used up: what is sent again is stored.
    expect(await tenant.record(kind, item)).toMatchObject({ status: 202, body: { accepted: 1 } });
  });

  it('has stored nothing of what it answered 503 to, and takes it when there is room again', async () => {
    const release = keepFull(app.app.get(WriteQueue, { strict: false }));
    const refused = await tenant.record('skills', [run('lint', { id: 'one' }), run('lint', { id: 'two' })]);
    await release();
    const skills = await tenant.watchSkills();
    expect(refused.status).toBe(503);
    expect(await skills.next()).toMatchObject({ data: { top_skills: [] } });

    await tenant.record('skills', [run('lint', { id: 'one' }), run('lint', { id: 'two' })]);

    const { data } = await skills.find((message) => JSON.stringify(message).includes('lint'));
    expect(data).toMatchObject({ top_skills: [{ skill_name: 'lint', total_invocations: 2 }] });
    await skills.close();
  });

  it('has published nothing of what it answered 503 to', async () => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch();
    await client.subscribe(['orders.metrics']);
    const release = keepFull(app.app.get(WriteQueue, { strict: false }));
    await tenant.record('metrics', gauge('orders.metrics'));
    await release();

    expect(await client.settled()).toEqual([]);
    await client.close();
  });

  it('still answers everything else: a bad request, a ping, an update', async () => {
    const [client, skills] = [await tenant.watch(), await tenant.watchSkills()];
    const release = keepFull(app.app.get(WriteQueue, { strict: false }));

    expect(await tenant.record('skills', { skill_name: 'lint' })).toMatchObject({ status: 400 });
    expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await skills.next({ type: 'metrics_update' });
    await release();
    await Promise.all([client.close(), skills.close()]);
  });
});
