import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, run } from '../../support/test-tenant.js';
import type { WireClient, WireMessage } from '../../support/wire-client.js';

type Row = Record<string, unknown>;
const rowsOf = ({ data }: WireMessage) => (data as { top_skills: Row[] }).top_skills;

describe('the updates of the skills dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  /** The rows that a client sees which connects now. */
  const topSkills = async () => {
    const client = await tenant.watchSkills();
    const rows = rowsOf(await client.next({ type: 'metrics_update' }));
    await client.close();
    return rows;
  };

  it('have the shape of the contract, to the field', async () => {
    await tenant.record('skills', run('pytest-run', { duration_seconds: 5.2 }));
    const client = await tenant.watchSkills();

    expect(await client.next()).toEqual({
      type: 'metrics_update',
      timestamp: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string,
      data: {
        top_skills: [
          { skill_name: 'pytest-run', total_invocations: 1, completion_rate: 100, avg_duration_seconds: 5.2 },
        ],
        anomalies: [],
      },
    });
    await client.close();
  });

  it('are empty where nothing ran', async () => {
    expect(await topSkills()).toEqual([]);
  });

  it('give the completion rate in percent with 2 decimals', async () => {
    await tenant.record('skills', [run('a'), run('a'), run('a', { completed: false }), run('b', { completed: false })]);

    expect(await topSkills()).toMatchObject([
      { skill_name: 'a', total_invocations: 3, completion_rate: 66.67 },
      { skill_name: 'b', total_invocations: 1, completion_rate: 0 },
    ]);
  });

  it('give the mean duration of the completed runs alone, null where none completed', async () => {
    await tenant.record('skills', [
      run('a', { duration_seconds: 1 }),
      run('a', { duration_seconds: 2 }),
      run('a', { duration_seconds: 100, completed: false }),
      run('b', { duration_seconds: 100, completed: false }),
      run('c', { duration_seconds: 0 }),
    ]);

    expect(await topSkills()).toMatchObject([
      { skill_name: 'a', avg_duration_seconds: 1.5 },
      { skill_name: 'b', avg_duration_seconds: null },
      { skill_name: 'c', avg_duration_seconds: 0 },
    ]);
  });

  it('leave runs of unknown duration out of the mean', async () => {
    await tenant.record('skills', [run('a', { duration_seconds: 3 }), run('a'), run('a', { duration_seconds: null })]);

    expect(await topSkills()).toMatchObject([{ total_invocations: 3, avg_duration_seconds: 3 }]);
  });

  it('show the ten most used, by their runs and then by name', async () => {
    const once = ['k', 'j', 'i', 'h', 'g', 'f', 'e', 'd', 'c', 'b', 'a'];
    await tenant.record(
      'skills',
      [...once, 'z', 'z', 'y', 'y', 'y'].map((skill) => run(skill)),
    );

    expect((await topSkills()).map(({ skill_name }) => skill_name)).toEqual([
      'y',
      'z',
      ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
    ]);
  });

  it('show a run by the tick after it was accepted', async () => {
    const client = await tenant.watchSkills();
    await tenant.record('skills', run('lint'));
    client.send({ type: 'ping' });
    // What was collected while the run was stored may still be under way; the tick after has it for sure.
    await client.next({ type: 'pong' });
    await client.next({ type: 'metrics_update' });

    expect(rowsOf(await client.next({ type: 'metrics_update' }))).toMatchObject([{ skill_name: 'lint' }]);
    await client.close();
  });

  it('count runs of long ago as well', async () => {
    await tenant.record('skills', [run('lint', { timestamp: '2020-02-29T12:00:00Z' }), run('lint')]);

    expect(await topSkills()).toMatchObject([{ skill_name: 'lint', total_invocations: 2 }]);
  });

  it('show a tenant its own skills alone', async () => {
    const other = new TestTenant(app);
    await tenant.record('skills', run('ours'));
    await other.record('skills', run('theirs'));

    expect((await topSkills()).map(({ skill_name }) => skill_name)).toEqual(['ours']);
  });

  it('are the same for all who watch the same', async () => {
    const clients: WireClient[] = await Promise.all([tenant.watchSkills(), tenant.watchSkills()]);
    const [one, other] = clients as [WireClient, WireClient];
    const update = await other.next({ type: 'metrics_update' });

    expect(await one.next({ timestamp: update['timestamp'] })).toEqual(update);
    await Promise.all([one.close(), other.close()]);
  });
});
