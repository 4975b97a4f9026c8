import { expect, it } from 'vitest';
import { SkillAnomaly } from '../../../src/feeds/skills/skill-anomaly.entity.js';
import type { AnomalySummary, SkillSummary } from '../../../src/feeds/skills/summaries.js';
import { ALL_FEATURES, type TagFilter, type TenantId, NO_FILTER, isoTimestamp } from '../../../src/protocol/index.js';
import { filterOf } from '../../support/publications.js';
import { type Storage, newTenant } from '../../support/storage.js';

const HOUR = 3_600_000;

/** The state of `skills.metrics`, as it is read from what is stored. */
export function skillsStateContract(storage: () => Storage): void {
  const collect = async (tenant: TenantId, filter: TagFilter = NO_FILTER, timestamp = Date.now()) =>
    (await storage().feed.collect({ tenant, filter, features: ALL_FEATURES, timestamp })) as unknown as State;
  const ran = (tenant: TenantId, skills: Record<string, number>) => {
    const runs = Object.entries(skills).flatMap(([skill_name, count]) =>
      Array.from({ length: count }, () => ({ skill_name, completed: true })),
    );
    return storage().skills.record(tenant, runs);
  };
  const namesOf = (state: State) => state.top_skills.map(({ skill_name }) => skill_name);

  it('shows the ten skills that ran most, those that ran as often by name', async () => {
    const tenant = newTenant();
    const names = Array.from({ length: 12 }, (_, index) => `skill-${String.fromCharCode(97 + index)}`);
    await ran(tenant, {
      ...Object.fromEntries(names.toReversed().map((name) => [name, 2])),
      most: 4,
      more: 3,
      least: 1,
    });

    expect(namesOf(await collect(tenant))).toEqual(['most', 'more', ...names.slice(0, 8)]);
  });

  it('orders names by their bytes', async () => {
    const tenant = newTenant();
    const names = ['B', 'Z', '_a', 'a', 'a b', 'a-b', 'aB', 'ab', 'b', 'é'];
    await ran(tenant, Object.fromEntries(names.toReversed().map((name) => [name, 1])));

    expect(namesOf(await collect(tenant))).toEqual(names);
  });

  it('moves a skill up with its runs', async () => {
    const tenant = newTenant();
    await ran(tenant, { a: 2, b: 1 });
    await ran(tenant, { b: 2 });

    expect(namesOf(await collect(tenant))).toEqual(['b', 'a']);
  });

  it('says how many completed in percent, and how long those took that completed', async () => {
    const tenant = newTenant();
    const skill_name = 's';
    await storage().skills.record(tenant, [
      { skill_name, completed: true, duration_seconds: 1 },
      { skill_name, completed: true, duration_seconds: 1.5 },
      { skill_name, completed: false, duration_seconds: 100 },
      { skill_name: 'untimed', completed: true },
      { skill_name: 'failing', completed: false, duration_seconds: 5 },
    ]);

    expect((await collect(tenant)).top_skills).toEqual([
      { skill_name, total_invocations: 3, completion_rate: 66.67, avg_duration_seconds: 1.25 },
      { skill_name: 'failing', total_invocations: 1, completion_rate: 0, avg_duration_seconds: null },
      { skill_name: 'untimed', total_invocations: 1, completion_rate: 100, avg_duration_seconds: null },
    ]);
  });

  it('is narrowed to the skills that are asked for, those beyond the first ten too', async () => {
    const tenant = newTenant();
    const names = Array.from({ length: 15 }, (_, index) => `s${String(index).padStart(2, '0')}`);
    await ran(tenant, Object.fromEntries(names.map((name) => [name, 1])));

    expect(namesOf(await collect(tenant, filterOf({ skill_name: ['s14', 's02', 'never ran'] })))).toEqual([
      's02',
      's14',
    ]);
    expect(await collect(tenant, filterOf({ skill_name: 'never ran' }))).toEqual({ top_skills: [], anomalies: [] });
  });

  it('shows the newest ten anomalies of the last hour, to the millisecond', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const now = Date.now();
    const ages = [HOUR, HOUR - 1, 50, 50, 100, 200, 300, 400, 500, 600, 700, 800, HOUR + 1];
    await detected(storage(), tenant, 's', now, ages);
    await detected(storage(), tenant, 'old', now, [HOUR, HOUR - 1]);
    await detected(storage(), other, 'theirs', now, [1]);

    const anomaliesOf = async (filter?: TagFilter) => (await collect(tenant, filter, now)).anomalies;
    const newest = [50, 50, 100, 200, 300, 400, 500, 600, 700, 800];
    expect((await anomaliesOf()).map(({ detected_at }) => detected_at)).toEqual(
      newest.map((age) => isoTimestamp(now - age)),
    );
    expect(await anomaliesOf(filterOf({ skill_name: 'old' }))).toEqual([
      { skill_name: 'old', detected_at: isoTimestamp(now - HOUR + 1), anomaly_type: 'drop', deviation_score: 2.35 },
    ]);
  });

  it('shows a tenant nothing of another', async () => {
    const [one, other] = [newTenant(), newTenant()];
    await ran(one, { a: 1 });
    await ran(other, { b: 1 });

    expect(namesOf(await collect(one))).toEqual(['a']);
    expect(namesOf(await collect(other))).toEqual(['b']);
  });

  it('comes even where anomalies cannot be looked for', async () => {
    const tenant = newTenant();
    await ran(tenant, { a: 1 });
    await storage().dataSource.query('ALTER TABLE metricast_skill_minute RENAME TO hidden');
    const state = await collect(tenant);
    await storage().dataSource.query('ALTER TABLE hidden RENAME TO metricast_skill_minute');

    expect(namesOf(state)).toEqual(['a']);
  });
}

interface State {
  readonly top_skills: SkillSummary[];
  readonly anomalies: AnomalySummary[];
}

/** Anomalies of a skill that are over, by their ages. */
async function detected(storage: Storage, tenant: string, skill: string, now: number, ages: number[]): Promise<void> {
  await storage.dataSource.getRepository(SkillAnomaly).insert(
    ages.map((age) => ({
      tenantId: tenant,
      skillName: skill,
      anomalyType: 'drop' as const,
      deviationScore: -2.349,
      detectedAt: now - age,
      resolvedAt: now,
    })),
  );
}
