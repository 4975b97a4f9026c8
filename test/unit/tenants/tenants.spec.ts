import { describe, expect, test } from 'vitest';
import type { SettingsReason } from '../../../src/protocol/index.js';
import { type CustomProfile, NOTHING_SET, type OwnSettings, type SettingsStep } from '../../../src/tenants/index.js';
import { ACME, tenantId } from '../../support/principals.js';
import { set, tenantsWith } from '../../support/settings.js';

const GLOBEX = tenantId('globex');

let version = 0;
const night = (particulars: Partial<CustomProfile> = {}): CustomProfile => ({
  name: 'night',
  mode: 'stream',
  collectionIntervalSeconds: 30,
  maxEventsPerMinute: 2,
  description: '',
  createdAt: 0,
  updatedAt: ++version,
  ...particulars,
});

/** Tenants, and what listeners are told of them. */
function listened() {
  const tenants = tenantsWith();
  const told: { tenant: string; step: SettingsStep; reason: SettingsReason }[] = [];
  tenants.onChange((tenant, step, reason) => told.push({ tenant, step, reason }));
  return { tenants, told };
}

describe('what a tenant has set', () => {
  test('is told with what applied before, and only where something else applies', () => {
    const { tenants, told } = listened();
    set(tenants, ACME, {});
    expect(told).toEqual([]);
    set(tenants, ACME, { retentionDays: 7 });
    set(tenants, ACME, { retentionDays: 7 });

    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      tenant: ACME,
      step: { before: { retentionDays: null }, after: { retentionDays: 7 } },
    });
  });

  test.each<[string, Partial<OwnSettings>[], SettingsReason[]]>([
    ['set', [{ retentionDays: 7 }], ['settings_changed']],
    ['changed', [{ retentionDays: 7 }, { metricsStreaming: false }], ['settings_changed', 'settings_changed']],
    ['taken back, all of it', [{ retentionDays: 7 }, {}], ['settings_changed', 'settings_reset']],
  ])('that it was %s is told by what is stored, whoever did it', (_change, steps, reasons) => {
    const { tenants, told } = listened();
    for (const own of steps) set(tenants, ACME, own);

    expect(told.map(({ reason }) => reason)).toEqual(reasons);
  });

  test('is nothing: then the defaults apply, which all of these tenants share', () => {
    const { tenants } = listened();
    set(tenants, ACME, { retentionDays: 7 });
    for (const tenant of [ACME, GLOBEX]) set(tenants, tenant, {});

    expect(tenants.effective(ACME)).toBe(tenants.effective(GLOBEX));
    expect(tenants.effective(ACME)).toBe(tenants.effective(tenantId('never-seen')));
  });

  test('is passed over where it is older than what is known', () => {
    const { tenants, told } = listened();
    const own = { ...NOTHING_SET, tenantId: ACME, createdAt: 0 };
    for (const updatedAt of [5, 5, 4]) tenants.learn({ ...own, retentionDays: updatedAt, updatedAt });

    expect(tenants.effective(ACME).retentionDays).toBe(5);
    expect(tenants.retentionDays()).toEqual(new Map([[ACME, 5]]));
    expect(told).toHaveLength(1);
  });
});

describe('a profile that is not known', () => {
  test('streams nothing to a tenant that was never seen, until it is known', async () => {
    const { tenants } = listened();
    set(tenants, ACME, { performanceProfile: 'night' });
    expect(tenants.effective(ACME)).toMatchObject({ isStreaming: false, performanceProfile: 'night' });
    await tenants.learnProfiles([night()]);

    expect(tenants.effective(ACME)).toMatchObject({ isStreaming: true, collectionIntervalSeconds: 30 });
  });

  test.each<Partial<OwnSettings>>([{}, { metricsStreaming: false }, { collectionIntervalSeconds: 7 }])(
    'leaves a tenant that has set %j as it is, until it is known',
    async (own) => {
      const { tenants, told } = listened();
      set(tenants, ACME, own);
      told.length = 0;
      const before = tenants.effective(ACME);
      set(tenants, ACME, { performanceProfile: 'night' });
      expect(tenants.effective(ACME)).toEqual(before);
      expect(told).toEqual([]);
      await tenants.learnProfiles([night({ mode: 'off' })]);

      expect(tenants.effective(ACME)).toMatchObject({ mode: 'off', metricsStreaming: true });
      expect(told).toMatchObject([{ step: { before }, reason: 'profile_changed' }]);
    },
  );
});

describe('a profile that is replaced', () => {
  test('is told to those who are on it, and nobody else', async () => {
    const { tenants, told } = listened();
    await tenants.learnProfiles([night(), night({ name: 'day' })]);
    set(tenants, ACME, { performanceProfile: 'night' });
    set(tenants, GLOBEX, { performanceProfile: 'day' });
    told.length = 0;
    await tenants.learnProfiles([night({ collectionIntervalSeconds: 20 }), night({ name: 'day' })]);

    expect(told).toMatchObject([{ tenant: ACME, step: { after: { collectionIntervalSeconds: 20 } } }]);
  });

  test('is taken over by many tenants in several turns, by each as it is then', async () => {
    const { tenants, told } = listened();
    const names = Array.from({ length: 2000 }, (_, at) => tenantId(`tenant-${at}`));
    await tenants.learnProfiles([night()]);
    for (const name of names) set(tenants, name, { performanceProfile: 'night' });
    told.length = 0;
    const learning = tenants.learnProfiles([night({ collectionIntervalSeconds: 20 })]);
    expect(told.length).toBeLessThan(names.length / 2);
    set(tenants, names.at(-1)!, { retentionDays: 1 });
    await learning;

    expect(new Set(told.map(({ tenant }) => tenant)).size).toBe(names.length);
    expect(told).toHaveLength(names.length);
    expect(tenants.effective(names.at(-1)!)).toMatchObject({ collectionIntervalSeconds: 1, retentionDays: 1 });
  });
});
