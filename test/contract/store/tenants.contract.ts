import { afterEach, expect, it, vi } from 'vitest';
import type { TenantId } from '../../../src/protocol/index.js';
import { NOTHING_SET, type OwnSettings, type Profile } from '../../../src/tenants/index.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';
import { openTenancy } from '../../support/tenancy.js';

const ALL: OwnSettings = {
  metricsStreaming: false,
  collectionIntervalSeconds: 0.1,
  maxEventsPerMinute: 0,
  features: { compression: false, workflows: true },
  performanceProfile: 'low_frequency',
  limits: { maxSeries: 0, maxConnections: 7 },
  retentionDays: 30,
  allowedOrigins: ['https://a.example', '*'],
};

let count = 0;
const newProfile = (particulars: Partial<Profile> = {}): Profile => ({
  name: `contract-${++count}`,
  mode: 'stream',
  collectionIntervalSeconds: 0.25,
  maxEventsPerMinute: 240,
  description: 'Of the night shift',
  ...particulars,
});

/** What tenants have set, the profiles they are on, and who changed them. */
export function tenantsContract(storage: () => Storage, openAnother: () => Promise<Storage>): void {
  afterEach(() => vi.restoreAllMocks());

  const replace = (tenant: TenantId, own: Partial<OwnSettings>, tenancy = openTenancy(storage())) =>
    tenancy.settings.change(tenant, {
      actor: 'ada',
      action: 'settings.replace',
      alter: () => ({ ...NOTHING_SET, ...own }),
    });
  const auditOf = (tenant: TenantId) => openTenancy(storage()).audit.list([tenant], { limit: 1000 });

  it('what a tenant has set comes back as it was', async () => {
    const tenant = newTenant();
    for (const own of [ALL, NOTHING_SET, { ...ALL, metricsStreaming: true, allowedOrigins: [] }]) {
      await replace(tenant, own);
      expect(await openTenancy(storage()).registry.see(tenant)).toMatchObject(own);
      await openTenancy(storage()).settings.change(tenant, {
        actor: 'ada',
        action: 'settings.change',
        alter: (before) => before,
      });
      expect(await openTenancy(storage()).registry.see(tenant)).toMatchObject(own);
    }
  });

  it('a tenant is made once, however many see it first', async () => {
    const tenant = newTenant();
    const another = await openAnother();
    const [one, other] = [openTenancy(storage()), openTenancy(another)];
    const seen = await Promise.all([one, one, other, other].map(({ registry }) => registry.see(tenant)));

    expect(new Set(seen.map(({ createdAt }) => createdAt)).size).toBe(1);
    expect(seen[0]).toMatchObject(NOTHING_SET);
    await another.close();
  });

  it('each change is newer than the one before, though the clock stands or goes back', async () => {
    const tenant = newTenant();
    const profile = newProfile();
    const { profiles } = openTenancy(storage());
    const times: number[] = [];
    const versions: number[] = [];
    await profiles.create('grace', profile);
    for (const now of [5000, 5000, 4000]) {
      vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2100-01-01') + now);
      times.push((await replace(tenant, { retentionDays: 1 })).updatedAt);
      await profiles.replace('grace', profile);
      const [row] = await storage().rows('SELECT updated_at FROM metricast_performance_profile WHERE name = $1', [
        profile.name,
      ]);
      versions.push(Number(row!['updated_at']));
    }

    for (const list of [times, versions]) expect(list).toEqual([...new Set(list)].sort((one, other) => one - other));
    // The log tells when it was, by the clock.
    for (const action of ['settings.replace', 'profile.replace']) {
      const sql = 'SELECT at FROM metricast_audit WHERE action = $1 ORDER BY audit_id DESC LIMIT 3';
      const entries = await storage().rows(sql, [action]);
      expect(entries.map(({ at }) => Number(at) - Date.parse('2100-01-01'))).toEqual([4000, 5000, 5000]);
    }
  });

  it('changes from several instances are all kept, and the log tells them in their order', async () => {
    const tenant = newTenant();
    const another = await openAnother();
    const tenancies = [openTenancy(storage()), openTenancy(another)];
    const names = ['maxSeries', 'maxConnections', 'maxMessagesPerMinute', 'maxChannelsPerConnection'] as const;
    await Promise.all(
      names.flatMap((name, at) =>
        [1, 2, 3].map((round) =>
          tenancies[at % 2]!.settings.change(tenant, {
            actor: name,
            action: 'settings.change',
            alter: (before) => ({ ...before, limits: { ...before.limits, [name]: round } }),
          }),
        ),
      ),
    );
    const entries = (await auditOf(tenant)).reverse();

    expect(entries).toHaveLength(12);
    expect(entries[0]!.before).toEqual({});
    for (const [at, { after }] of entries.slice(0, -1).entries()) expect(entries[at + 1]!.before).toEqual(after);
    expect((await openTenancy(storage()).registry.see(tenant)).limits).toEqual(
      Object.fromEntries(names.map((name) => [name, expect.any(Number)])),
    );
    await another.close();
  });

  it('no tenant is ever put on a profile that is gone, whoever is first', async () => {
    const another = await openAnother();
    for (let round = 0; round < 5; round++) {
      const [tenant, profile] = [newTenant(), newProfile()];
      const [one, other] = [openTenancy(storage()), openTenancy(another)];
      await one.profiles.create('grace', profile);
      const [put, removed] = await Promise.allSettled([
        replace(tenant, { performanceProfile: profile.name }, other),
        one.profiles.remove('grace', profile.name),
      ]);

      expect([put.status, removed.status].sort()).toEqual(['fulfilled', 'rejected']);
      const { performanceProfile } = await openTenancy(storage()).registry.see(tenant);
      expect(performanceProfile).toBe(put.status === 'fulfilled' ? profile.name : null);
      expect((await one.profiles.find(profile.name)) !== undefined).toBe(put.status === 'fulfilled');
    }
    await another.close();
  });

  it('profiles are made, replaced and removed, each with a line in the log', async () => {
    const { profiles, audit, tenants } = openTenancy(storage());
    const made = newProfile();
    const replaced = { ...made, mode: 'off' as const, collectionIntervalSeconds: 3600, maxEventsPerMinute: 0 };
    await profiles.create('grace', made);
    expect(tenants.profile(made.name)).toMatchObject(made);
    await profiles.replace('grace', replaced);
    expect(await profiles.find(made.name)).toMatchObject(replaced);
    expect(tenants.profile(made.name)).toMatchObject(replaced);
    await profiles.remove('grace', made.name);
    expect(await profiles.find(made.name)).toBeUndefined();
    expect(tenants.profile(made.name)).toBeUndefined();

    const lines = await audit.list(undefined, { limit: 2 });
    expect(lines).toMatchObject([
      { action: 'profile.delete', tenantId: null, before: { name: made.name, mode: 'off' }, after: null },
      { action: 'profile.replace', before: { collection_interval_seconds: 0.25 }, after: { mode: 'off' } },
      { action: 'profile.create', actor: 'grace', before: null, after: { max_events_per_minute: 240 } },
    ]);
  });

  it('a profile that several instances make at once is made by one', async () => {
    const another = await openAnother();
    const profile = newProfile();
    const tries = [openTenancy(storage()), openTenancy(another)].map(({ profiles }) =>
      profiles.create('grace', profile),
    );

    const results = (await Promise.allSettled(tries)).map(({ status }) => status);
    expect(results.sort()).toEqual(['fulfilled', 'rejected']);
    await another.close();
  });

  it('tenants and entries come a page at a time, by an index', async () => {
    const { settings, audit, profiles } = openTenancy(storage());
    const [tenant, profile] = [newTenant(), newProfile()];
    await profiles.create('grace', profile);
    for (let days = 1; days <= 4; days++) await replace(tenant, { retentionDays: days });
    for (const other of [newTenant(), newTenant()]) await replace(other, { performanceProfile: profile.name });
    // Of a log with next to nothing in it, PostgreSQL rightly reads all.
    await storage().write(function* () {
      yield {
        into: 'metricast_audit',
        columns: ['at', 'actor', 'tenant_id', 'action'],
        rows: Array.from({ length: 2000 }, (_, at) => [at, 'grace', `${tenant}-${at % 50}`, 'settings.change']),
      };
    });
    await storage().rows('ANALYZE');

    const plans = await plansOf(storage(), async () => {
      const first = await settings.list(2);
      const second = await settings.list(2, first[1]!.tenantId);
      expect(second[0]!.tenantId).toBe(first[2]!.tenantId);
      const newest = await audit.list([tenant], { limit: 1 });
      expect(newest.map(({ after }) => after)).toEqual([{ retention_days: 4 }, { retention_days: 3 }]);
      const older = await audit.list([tenant], { limit: 9, after: Number(newest[1]!.id) });
      expect(older.map(({ after }) => after)).toEqual([{ retention_days: 2 }, { retention_days: 1 }]);
      await profiles.remove('grace', profile.name).catch(() => undefined);
    });

    // Whatever has none reads all there is, or a list from its start.
    expectIndexed(plans.filter((plan) => plan.includes('WHERE')));
    for (const plan of plans.filter((one) => one.includes('metricast_audit'))) {
      expect(plan).not.toMatch(/ Sort {2}|temp b-tree/i);
    }
  });
}
