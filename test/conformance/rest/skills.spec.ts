import { hostname } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { NOT_FOUND, RestReader } from '../../support/rest-reader.js';
import { TestTenant, run } from '../../support/test-tenant.js';

describe.each<Platform>(['express', 'fastify'])('GET /skills on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let reader: RestReader;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    reader = new RestReader(app, tenant);
  });

  const times = (skill: string, count: number) => Array.from({ length: count }, () => run(skill));
  const record = async (...items: Record<string, unknown>[]) => {
    expect(await tenant.record('skills', items)).toMatchObject({ status: 202, body: { rejected: [] } });
  };
  const names = ({ body }: { body: Record<string, unknown> }) =>
    (body['items'] as { skill_name: string }[]).map(({ skill_name }) => skill_name);

  it('lists the skills as the top ones are shown, with when they last ran', async () => {
    await record(
      run('lint', { duration_seconds: 1, timestamp: '2026-01-01T10:00:00Z' }),
      run('lint', { completed: false, duration_seconds: 9, timestamp: '2026-01-01T12:00:00.5Z' }),
      run('lint', { duration_seconds: 2, timestamp: '2026-01-01T11:00:00Z' }),
      run('build', { timestamp: '2025-12-31T23:59:59.999Z' }),
    );

    expect(await reader.get('/skills')).toMatchObject({ status: 200 });
    expect((await reader.get('/skills')).body).toEqual({
      items: [
        {
          skill_name: 'lint',
          total_invocations: 3,
          completion_rate: 66.67,
          avg_duration_seconds: 1.5,
          last_run_at: '2026-01-01T12:00:00.500Z',
        },
        {
          skill_name: 'build',
          total_invocations: 1,
          completion_rate: 100,
          avg_duration_seconds: null,
          last_run_at: '2025-12-31T23:59:59.999Z',
        },
      ],
      next_cursor: null,
    });
  });

  it('is an empty list where nothing ran, and shows a tenant nothing of another', async () => {
    await new TestTenant(app).record('skills', run('foreign'));

    expect(await reader.get('/skills')).toMatchObject({ status: 200, body: { items: [], next_cursor: null } });
    expect(await reader.get('/skills/foreign')).toMatchObject(NOT_FOUND);
    expect(await reader.get('/skills/foreign/anomalies')).toMatchObject(NOT_FOUND);
  });

  it('lists a hundred where no limit is said, and goes on from there', async () => {
    await record(...Array.from({ length: 130 }, (_, at) => run(`s${String(at).padStart(3, '0')}`)));

    const first = await reader.get('/skills');
    expect(names(first)).toHaveLength(100);
    const second = await reader.get(`/skills?cursor=${first.body['next_cursor'] as string}`);
    expect(second.body['next_cursor']).toBeNull();
    expect([...names(first), ...names(second)]).toEqual(
      Array.from({ length: 130 }, (_, at) => `s${String(at).padStart(3, '0')}`),
    );
    expect(names(await reader.get('/skills?limit=1000'))).toHaveLength(130);
  });

  it('shows no skill twice, and none too few but those that overtake, while runs are recorded', async () => {
    const all = Array.from({ length: 12 }, (_, at) => `s${at}`);
    await record(...all.flatMap((name, at) => times(name, 1 + (at % 3))));
    const seen: string[] = [];
    let overtook = '';
    for await (const page of reader.pages('/skills', 5)) {
      seen.push(...page.map(({ skill_name }) => skill_name as string));
      // One that was shown runs again, and the first time one that was not passes those that were.
      const late = overtook ? [] : all.filter((name) => !seen.includes(name)).slice(0, 1);
      overtook ||= late[0]!;
      await record(...times(seen[0]!, 2), ...late.flatMap((name) => times(name, 20)));
    }

    expect(seen).toHaveLength(new Set(seen).size);
    expect([...seen, overtook].sort()).toEqual([...all].sort());
  });

  it.each([
    'lint',
    'a/b c',
    'ü?#%&+',
    '漢字',
    'a%2Fb',
    '__proto__',
    'anomalies',
    "'; DROP TABLE metricast_skill; --",
    'x'.repeat(100),
  ])('shows one by its name: %s', async (name) => {
    await record(run(name), run('other'));
    const path = `/skills/${encodeURIComponent(name)}`;

    expect(await reader.get(path)).toMatchObject({ status: 200, body: { skill_name: name, total_invocations: 1 } });
    const [item] = (await reader.get('/skills')).body['items'] as { skill_name: string }[];
    expect((await reader.get(`/skills/${encodeURIComponent(item!.skill_name)}`)).body).toEqual(item);
    expect(await reader.get(`${path}/anomalies`)).toMatchObject({
      status: 200,
      body: { items: [], next_cursor: null },
    });
  });

  it.each(['never-ran', '%00', '%E2%80%AE', 'x'.repeat(100)])(
    'has no skill by a name that none has, or none can have: %s',
    async (name) => {
      expect(await reader.get(`/skills/${name}`)).toMatchObject(NOT_FOUND);
      expect(await reader.get(`/skills/${name}/anomalies`)).toMatchObject(NOT_FOUND);
    },
  );

  it.each([
    { query: 'limit=0', fields: ['limit'] },
    { query: 'limit=1001', fields: ['limit'] },
    { query: 'limit=-1', fields: ['limit'] },
    { query: 'limit=1.5', fields: ['limit'] },
    { query: 'limit=1e2', fields: ['limit'] },
    { query: 'limit=', fields: ['limit'] },
    { query: 'limit=secret', fields: ['limit'] },
    { query: 'limit=5&limit=6', fields: ['limit'] },
    { query: 'cursor=', fields: ['cursor'] },
    { query: 'cursor=secret', fields: ['cursor'] },
    { query: `cursor=${cursorOf(['5', 'secret'])}`, fields: ['cursor'] },
    { query: `cursor=${cursorOf([-1, 'secret'])}`, fields: ['cursor'] },
    { query: `cursor=${cursorOf([1e300, 'secret'])}`, fields: ['cursor'] },
    { query: `cursor=${cursorOf([1, 'secret\0'])}`, fields: ['cursor'] },
    { query: `cursor=${cursorOf([1, 'secret', 1])}`, fields: ['cursor'] },
    { query: `cursor=${cursorOf({ secret: 1 })}`, fields: ['cursor'] },
    { query: `cursor=${cursorOf([1, 'a'])}&cursor=${cursorOf([1, 'b'])}`, fields: ['cursor'] },
    { query: 'limit=secret&cursor=secret', fields: ['limit', 'cursor'] },
  ])('refuses $query, and names the field without repeating it', async ({ query, fields }) => {
    const answer = await reader.get(`/skills?${query}`);

    expect(answer).toMatchObject({ status: 400, body: { statusCode: 400, code: 'bad_request' } });
    expect((answer.body['errors'] as { field: string }[]).map(({ field }) => field)).toEqual(fields);
    expect(JSON.stringify(answer.body)).not.toContain('secret');
  });

  it('ignores parameters that it does not know', async () => {
    await record(run('lint'));

    expect(names(await reader.get('/skills?page=7&limits=0&constructor=x&cursor[]=x'))).toEqual(['lint']);
  });

  describe('for a token with a filter', () => {
    it.each<{ filter: object; seen: string[] }>([
      { filter: { skill_name: 'lint' }, seen: ['lint'] },
      { filter: { skill_name: ['test', 'lint', 'never-ran'] }, seen: ['test', 'lint'] },
      { filter: { skill_name: 'lint', host: hostname() }, seen: ['lint'] },
      { filter: { skill_name: 'lint', host: 'elsewhere' }, seen: [] },
      { filter: { host: hostname() }, seen: ['test', 'build', 'lint'] },
      { filter: { shop: 'north' }, seen: [] },
    ])('$filter shows the skills that it lets through, and no others', async ({ filter, seen }) => {
      await record(...times('test', 2), run('lint'), run('build'));
      const narrowed = new RestReader(app, tenant, { filter });

      expect(names(await narrowed.get('/skills'))).toEqual([...seen].sort(byTotal));
      for (const name of ['lint', 'test', 'build']) {
        const status = seen.includes(name) ? 200 : 404;
        expect(await narrowed.get(`/skills/${name}`)).toMatchObject({ status });
        expect(await narrowed.get(`/skills/${name}/anomalies`)).toMatchObject({ status });
      }
    });
  });
});

/** Fastify has answered these before anything of ours sees them. */
describe('GET /skills/:name on the standalone server', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());

  it('takes names of any length, and finds those that can be', async () => {
    const tenant = new TestTenant(app);
    const reader = new RestReader(app, tenant);
    const longest = '漢'.repeat(200);
    await tenant.record('skills', run(longest));

    expect(await reader.get(`/skills/${encodeURIComponent(longest)}`)).toMatchObject({ status: 200 });
    expect(await reader.get(`/skills/${'x'.repeat(5000)}`)).toMatchObject(NOT_FOUND);
  });

  it('answers a name that cannot be decoded with 400, and does not repeat it', async () => {
    const answer = await new RestReader(app, new TestTenant(app)).get('/skills/%E0%A4%A');

    expect(answer).toMatchObject({ status: 400, body: { statusCode: 400, code: 'bad_request' } });
    expect(JSON.stringify(answer.body)).not.toContain('%E0');
  });
});

function cursorOf(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** `test` ran twice, the others once. */
function byTotal(one: string, other: string): number {
  if (one === 'test' || other === 'test') return one === 'test' ? -1 : 1;
  return one < other ? -1 : 1;
}
