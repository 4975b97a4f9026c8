import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, gauge, run } from '../../support/test-tenant.js';

describe('the id of an item', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  /** How often each skill ran, as a client sees it that connects now. */
  const counts = async (of = tenant) => {
    const client = await of.watchSkills();
    const { data } = await client.next({ type: 'metrics_update' });
    await client.close();
    const rows = (data as { top_skills: { skill_name: string; total_invocations: number }[] }).top_skills;
    return Object.fromEntries(rows.map(({ skill_name, total_invocations }) => [skill_name, total_invocations]));
  };

  it('makes a repeat accepted, and not counted, in a later request', async () => {
    for (let time = 0; time < 3; time++) {
      expect(await tenant.record('skills', run('lint', { id: 'run 1' }))).toMatchObject({
        status: 202,
        body: { accepted: 1, rejected: [] },
      });
    }

    expect(await counts()).toEqual({ lint: 1 });
  });

  it('makes a repeat accepted, and not counted, in the same request', async () => {
    const answer = await tenant.record('skills', [
      run('lint', { id: 'run 1' }),
      run('lint', { id: 'run 1' }),
      run('lint', { id: 'run 2' }),
    ]);

    expect(answer.body).toEqual({ accepted: 3, rejected: [] });
    expect(await counts()).toEqual({ lint: 2 });
  });

  it('makes a repeat accepted, and not counted, in requests at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => tenant.record('skills', run('lint', { id: 'run 1' }))),
    );

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(await counts()).toEqual({ lint: 1 });
  });

  it('keeps what was recorded first', async () => {
    await tenant.record('skills', run('lint', { id: 'run 1' }));
    await tenant.record('skills', run('test', { id: 'run 1', completed: false }));

    expect(await counts()).toEqual({ lint: 1 });
  });

  it('lets the new items of a request in beside the repeated ones', async () => {
    await tenant.record('skills', [run('lint', { id: 'a' }), run('lint', { id: 'b' })]);
    await tenant.record('skills', [run('lint', { id: 'b' }), run('lint', { id: 'c' }), run('lint')]);

    expect(await counts()).toEqual({ lint: 4 });
  });

  it('is not used up by an item that was rejected', async () => {
    await tenant.record('skills', [run('good'), run('lint', { id: 'run 1', completed: 'yes' })]);
    await tenant.record('skills', run('lint', { id: 'run 1' }));

    expect(await counts()).toEqual({ good: 1, lint: 1 });
  });

  it('counts nothing twice that has none', async () => {
    await tenant.record('skills', [run('lint'), run('lint', { id: null })]);
    await tenant.record('skills', run('lint'));

    expect(await counts()).toEqual({ lint: 3 });
  });

  it('is the tenant’s own', async () => {
    const other = new TestTenant(app);
    await tenant.record('skills', run('lint', { id: 'run 1' }));
    await other.record('skills', run('lint', { id: 'run 1' }));

    expect(await counts(other)).toEqual({ lint: 1 });
  });

  it('is the kind’s own', async () => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch();
    await client.subscribe(['orders.metrics']);
    await tenant.record('metrics', gauge('orders.metrics', { id: '1' }));
    await tenant.record('skills', run('lint', { id: '1' }));

    expect(await counts()).toEqual({ lint: 1 });
    expect(await client.settled()).toHaveLength(1);
    await client.close();
  });

  it('keeps a repeated value from being published a second time', async () => {
    await tenant.create('orders.metrics');
    const client = await tenant.watch();
    await client.subscribe(['orders.metrics']);
    const value = gauge('orders.metrics', { id: 'v1' });
    await tenant.record('metrics', [value, value]);
    await tenant.record('metrics', value);

    expect(await client.settled()).toMatchObject([{ offset: 2 }]);
    await client.close();
  });

  it.each(['__proto__', 'constructor', "'; DROP TABLE metricast_skill; --", 'ü'.repeat(200), ' '])(
    'may be any text of at most 200 characters: "%s"',
    async (id) => {
      await tenant.record('skills', run('lint', { id }));
      await tenant.record('skills', run('lint', { id }));

      expect(await counts()).toEqual({ lint: 1 });
    },
  );

  it('tells upper from lower case', async () => {
    await tenant.record('skills', [run('lint', { id: 'a' }), run('lint', { id: 'A' })]);

    expect(await counts()).toEqual({ lint: 2 });
  });
});
