import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SkillInvocationInput } from '../../../src/feeds/skills/index.js';
import type { Row } from '../../../src/store/index.js';
import { type Storage, newTenant } from '../../support/storage.js';

const MINUTE = 60_000;
const NOW = Math.floor(Date.now() / 1000);

/** Whatever is sent in whatever order, a skill's totals and minutes say what its runs say. */
export function skillsContract(storage: () => Storage): void {
  const property = fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
    const tenants = [newTenant(), newTenant()];
    const ids = new Set<string>();
    const expected = tenants.map((): SkillInvocationInput[] => []);
    for (const { tenant, runs } of requests) {
      for (const run of runs) {
        const key = `${tenant} ${run.id}`;
        if (run.id === undefined || !ids.has(key)) expected[tenant]!.push(run);
        ids.add(key);
      }
    }

    await Promise.all(requests.map(({ tenant, runs }) => storage().skills.record(tenants[tenant]!, runs)));

    for (const [index, tenant] of tenants.entries()) {
      const runs = expected[index]!;
      expect(await storedRuns(storage(), tenant)).toEqual(runs.map(contentOf));
      expect(await storedTotals(storage(), tenant)).toEqual(totalsOf(runs));
      expect(await storedMinutes(storage(), tenant)).toEqual(minutesOf(runs));
    }
  });

  it('runs, totals and minutes agree, each id counts once, and no tenant gets another’s', async () => {
    await fc.assert(property, { numRuns: 40 });
  });

  it('a request that is repeated counts once', async () => {
    const tenant = newTenant();
    const runs = Array.from({ length: 50 }, (_, index) => ({ skill_name: 's', completed: true, id: `${index}` }));
    await storage().skills.record(tenant, runs);
    await storage().skills.record(tenant, runs);

    expect(await storedTotals(storage(), tenant)).toMatchObject([['s', 50, 50, 0, 0, expect.any(Number)]]);
  });

  it('a request that fails counts nothing', async () => {
    const tenant = newTenant();
    const run = { skill_name: 's', completed: true, id: 'once', timestamp: NOW };
    const { dataSource, skills } = storage();
    // The last table that a run is written to.
    await dataSource.query('ALTER TABLE metricast_skill_minute RENAME TO hidden');
    await expect(skills.record(tenant, run)).rejects.toMatchObject({ code: 'busy' });
    await dataSource.query('ALTER TABLE hidden RENAME TO metricast_skill_minute');

    expect(await storedRuns(storage(), tenant)).toEqual([]);
    expect(await storedTotals(storage(), tenant)).toEqual([]);
    await skills.record(tenant, run);
    expect(await storedTotals(storage(), tenant)).toEqual(totalsOf([run]));
  });

  it('takes 10,000 runs of 10,000 skills at once', async () => {
    const tenant = newTenant();
    const runs = Array.from({ length: 10_000 }, (_, index) => ({
      skill_name: `s${index}`,
      completed: index % 2 === 0,
      timestamp: NOW,
      id: `${index}`,
    }));
    await storage().skills.record(tenant, runs);
    await storage().skills.record(tenant, runs);

    expect(await storedTotals(storage(), tenant)).toEqual(totalsOf(runs));
  });

  it('runs of any length that is allowed can be summed', async () => {
    const tenant = newTenant();
    const runs = Array.from({ length: 1000 }, () => ({ skill_name: 's', completed: true, duration_seconds: 1e9 }));
    const tooLong = { skill_name: 's', completed: true, duration_seconds: 1.7e308 };
    const { rejected } = await storage().skills.record(tenant, [...runs, tooLong]);

    expect(rejected).toEqual([
      { index: 1000, field: 'duration_seconds', message: 'must be a finite number from 0 to 1000000000' },
    ]);
    expect(await storedTotals(storage(), tenant)).toMatchObject([['s', 1000, 1000, 1000, 1e12, expect.any(Number)]]);
  });
}

/** Few skills, minutes and ids, so that they meet; durations whose sums are exact in any order. */
const run = fc.record(
  {
    skill_name: fc.constantFrom('a', 'b', 'B', 'ünï', '100% "q" \'s\' \\'),
    completed: fc.boolean(),
    duration_seconds: fc.nat(40_000).map((quarters) => quarters / 4),
    session_id: fc.constantFrom('s1', 's2'),
    tool_id: fc.constantFrom('t1', 't2'),
    error_type: fc.constantFrom('Timeout'),
    timestamp: fc.oneof(
      fc.constantFrom(0, 59.999, 60, NOW, NOW - 86_400, NOW + 200),
      fc.integer({ min: NOW - 200, max: NOW }),
    ),
    id: fc.constantFrom('1', '2', '3', '4', '5', '6'),
  },
  { requiredKeys: ['skill_name', 'completed', 'timestamp'] },
) as fc.Arbitrary<SkillInvocationInput>;

const request = fc.record({ tenant: fc.nat(1), runs: fc.array(run, { minLength: 1, maxLength: 15 }) });

const at = ({ timestamp }: SkillInvocationInput) => Math.round((timestamp as number) * 1000);
const isTimed = (one: SkillInvocationInput) => one.completed && one.duration_seconds !== undefined;

function contentOf(one: SkillInvocationInput): unknown[] {
  const { skill_name, completed, duration_seconds, session_id, tool_id, error_type } = one;
  return [
    skill_name,
    completed,
    duration_seconds ?? null,
    session_id ?? null,
    tool_id ?? null,
    error_type ?? null,
    at(one),
  ];
}

function totalsOf(runs: readonly SkillInvocationInput[]): unknown[][] {
  return namesOf(runs).map((name) => {
    const own = runs.filter(({ skill_name }) => skill_name === name);
    const timed = own.filter(isTimed);
    const seconds = timed.reduce((sum, { duration_seconds }) => sum + duration_seconds!, 0);
    const completed = own.filter((one) => one.completed).length;
    return [name, own.length, completed, timed.length, seconds, Math.max(...own.map(at))];
  });
}

function minutesOf(runs: readonly SkillInvocationInput[]): unknown[][] {
  return namesOf(runs).flatMap((name) => {
    const own = runs.filter(({ skill_name }) => skill_name === name);
    const minutes = [...new Set(own.map((one) => Math.floor(at(one) / MINUTE) * MINUTE))].sort((a, b) => a - b);
    return minutes.map((minute) => {
      const during = own.filter((one) => at(one) >= minute && at(one) < minute + MINUTE);
      return [name, minute, during.length, during.filter((one) => one.completed).length];
    });
  });
}

function namesOf(runs: readonly SkillInvocationInput[]): string[] {
  const names = [...new Set(runs.map(({ skill_name }) => skill_name))];
  return names.sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}

async function storedRuns(storage: Storage, tenant: string): Promise<unknown[][]> {
  const rows = await storage.rows(
    `SELECT skill_name, completed, duration_seconds, session_id, tool_id, error_type, ran_at
     FROM metricast_skill_invocation WHERE tenant_id = $1 ORDER BY invocation_id`,
    [tenant],
  );
  return rows.map((row) => {
    const { completed, ran_at, ...rest } = row;
    const [skill_name, ...others] = Object.values(rest);
    return [skill_name, Boolean(completed), ...others, Number(ran_at)];
  });
}

async function storedTotals(storage: Storage, tenant: string): Promise<unknown[][]> {
  const rows = await storage.rows(
    `SELECT skill_name, total_invocations, completed_invocations, timed_invocations, total_duration_seconds, last_run_at
     FROM metricast_skill WHERE tenant_id = $1 ORDER BY skill_name`,
    [tenant],
  );
  return rows.map(numbers);
}

async function storedMinutes(storage: Storage, tenant: string): Promise<unknown[][]> {
  const rows = await storage.rows(
    'SELECT skill_name, minute, runs, completed FROM metricast_skill_minute WHERE tenant_id = $1',
    [tenant],
  );
  const sorted = (one: readonly unknown[], other: readonly unknown[]) =>
    Buffer.compare(Buffer.from(one[0] as string), Buffer.from(other[0] as string)) || Number(one[1]) - Number(other[1]);
  return rows.map(numbers).sort(sorted);
}

/** The name, and the rest as numbers: PostgreSQL's driver gives a `bigint` as text. */
function numbers(row: Row): unknown[] {
  const [name, ...rest] = Object.values(row);
  return [name, ...rest.map(Number)];
}
