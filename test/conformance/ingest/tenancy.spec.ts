import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

describe('what is recorded', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  /** Every way in which a body could try to name a tenant. */
  const naming = (id: string) => ({ tenant_id: id, tenantId: id, tenant: id, workspace_id: id, workspaceId: id });

  it('belongs to the tenant of the token, whatever tenant a value names', async () => {
    const [ours, theirs] = [new TestTenant(app), new TestTenant(app)];
    await ours.create('orders.metrics');
    await theirs.create('orders.metrics');
    const [we, they] = [await ours.watch(), await theirs.watch()];
    await we.subscribe(['orders.metrics']);
    await they.subscribe(['orders.metrics']);

    await ours.record('metrics', [gauge('orders.metrics', { ...naming(theirs.id), value: 7 })]);

    expect(await we.settled()).toMatchObject([{ value: 7 }]);
    expect(await they.settled()).toEqual([]);
    await Promise.all([we.close(), they.close()]);
  });

  it('belongs to the tenant of the token, whatever tenant a run names', async () => {
    const [ours, theirs] = [new TestTenant(app), new TestTenant(app)];
    await ours.record('skills', run('lint', naming(theirs.id)));
    const [we, they] = [await ours.watchSkills(), await theirs.watchSkills()];

    expect(await we.next()).toMatchObject({ data: { top_skills: [{ skill_name: 'lint' }] } });
    expect(await they.next()).toMatchObject({ data: { top_skills: [] } });
    await Promise.all([we.close(), they.close()]);
  });

  it('can belong to a further tenant of the token, which the address names', async () => {
    const [ours, theirs] = [new TestTenant(app), new TestTenant(app)];
    const authorization = `Bearer ${ours.token({ tenants: [theirs.id] })}`;
    const answer = await app.post(`/ingest/skills?tenant_id=${theirs.id}`, run('lint'), { authorization });
    const [we, they] = [await ours.watchSkills(), await theirs.watchSkills()];

    expect(answer.status).toBe(202);
    expect(await we.next()).toMatchObject({ data: { top_skills: [] } });
    expect(await they.next()).toMatchObject({ data: { top_skills: [{ skill_name: 'lint' }] } });
    await Promise.all([we.close(), they.close()]);
  });
});
