import { expect, it } from 'vitest';
import type { PageRequest } from '../../../src/rest/index.js';
import type { AnomalyKey, SkillKey } from '../../../src/feeds/skills/skills.queries.js';
import type { TenantId } from '../../../src/protocol/index.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const T = 1_700_000_000_000;

/** Skills and anomalies are read a page at a time, from an index in their order. */
export function skillsListsContract(storage: () => Storage): void {
  const runs = (tenant: TenantId, totals: Record<string, number>) =>
    storage().skills.record(
      tenant,
      Object.entries(totals).flatMap(([skill_name, total]) =>
        Array.from({ length: total }, () => ({ skill_name, completed: true, timestamp: T / 1000 })),
      ),
    );
  const addAnomaly = (tenant: TenantId, skill: string, detectedAt: number) =>
    storage().rows(
      `INSERT INTO metricast_skill_anomaly (tenant_id, skill_name, anomaly_type, deviation_score, detected_at, resolved_at)
       VALUES ($1, $2, 'drop', -2, $3, $4)`,
      [tenant, skill, detectedAt, detectedAt + 1],
    );
  const page = async (tenant: TenantId, request: PageRequest<SkillKey>, names?: string[]) =>
    (await storage().skillsQueries.list(tenant, names, request)).map(({ skillName }) => skillName);
  const anomaliesOf = async (tenant: TenantId, skill: string, request: PageRequest<AnomalyKey>) =>
    (await storage().skillsQueries.listAnomalies(tenant, skill, request)).map(({ detectedAt }) => detectedAt - T);

  it('skills come by total, then by the bytes of their names', async () => {
    const tenant = newTenant();
    await runs(tenant, { a: 1, B: 2, b: 2, é: 2, 'b c': 2, z: 3 });
    await runs(newTenant(), { foreign: 9 });

    expect(await page(tenant, { limit: 9 })).toEqual(['z', 'B', 'b', 'b c', 'é', 'a']);
    expect(await page(tenant, { limit: 9 }, ['é', 'a', 'never ran'])).toEqual(['é', 'a']);
    expect(await page(tenant, { limit: 9 }, [])).toEqual([]);
  });

  it('go on after any of them, with one more than the limit', async () => {
    const tenant = newTenant();
    await runs(tenant, { a: 1, b: 2, c: 2, d: 2, e: 5 });

    expect(await page(tenant, { limit: 2 })).toEqual(['e', 'b', 'c']);
    expect(await page(tenant, { limit: 2, after: [5, 'e'] })).toEqual(['b', 'c', 'd']);
    expect(await page(tenant, { limit: 2, after: [2, 'b'] })).toEqual(['c', 'd', 'a']);
    expect(await page(tenant, { limit: 2, after: [2, 'd'] })).toEqual(['a']);
    expect(await page(tenant, { limit: 2, after: [1, 'a'] })).toEqual([]);
    expect(await page(tenant, { limit: 2, after: [2, 'b'] }, ['b', 'd'])).toEqual(['d']);
  });

  it('anomalies of a skill come the newest first, and of several at one instant the one found last', async () => {
    const tenant = newTenant();
    for (const at of [3, 1, 2, 2, 2]) await addAnomaly(tenant, 'x', T + at);
    await addAnomaly(tenant, 'y', T + 9);
    await addAnomaly(newTenant(), 'x', T + 9);

    expect(await anomaliesOf(tenant, 'x', { limit: 9 })).toEqual([3, 2, 2, 2, 1]);
    const all = await storage().skillsQueries.listAnomalies(tenant, 'x', { limit: 9 });
    const ids = all.map(({ id }) => id);
    for (const [at, { detectedAt, id }] of all.entries()) {
      const rest = await storage().skillsQueries.listAnomalies(tenant, 'x', { limit: 9, after: [detectedAt, id] });
      expect(rest.map((anomaly) => anomaly.id)).toEqual(ids.slice(at + 1));
    }
    expect(ids.slice(1, 4)).toEqual(ids.slice(1, 4).sort((one, other) => other - one));
  });

  it('every page is read from an index in its order', async () => {
    const tenant = newTenant();
    await runs(tenant, Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`s${at}`, 1 + (at % 3)])));
    await storage().write(function* () {
      yield {
        into: 'metricast_skill_anomaly',
        columns: ['tenant_id', 'skill_name', 'anomaly_type', 'deviation_score', 'detected_at', 'resolved_at'],
        rows: Array.from({ length: 2000 }, (_, at) => [tenant, `s${at % 2}`, 'drop', -2, T + at, T + at + 1]),
      };
    });
    await storage().rows('ANALYZE');

    const skills = await plansOf(storage(), async () => {
      await page(tenant, { limit: 10 });
      await page(tenant, { limit: 10, after: [2, 's500'] });
    });
    const anomalies = await plansOf(storage(), async () => {
      await anomaliesOf(tenant, 's1', { limit: 10 });
      await anomaliesOf(tenant, 's1', { limit: 10, after: [T + 1500, 7] });
    });

    expectIndexed([...skills, ...anomalies]);
    for (const plan of skills) {
      expect(plan).toContain('metricast_skill_top');
      expect(plan).not.toMatch(/sort|temp b-tree/i);
    }
    for (const plan of anomalies) {
      expect(plan).toContain('metricast_skill_anomaly_skill');
      // Those of one instant alone are put in order.
      expect(plan.replaceAll('Incremental Sort', '')).not.toMatch(/ Sort {2}|temp b-tree/i);
    }
  });
}
