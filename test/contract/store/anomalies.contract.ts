import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SkillAnomaly } from '../../../src/feeds/skills/skill-anomaly.entity.js';
import { ALL_FEATURES, NO_FILTER, type TenantId, isoTimestamp } from '../../../src/protocol/index.js';
import { type Storage, newTenant } from '../../support/storage.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Neither a minute nor a second begins here. */
const NOON = Date.UTC(2026, 10, 21, 12, 34, 56, 789);

/** Anomalies open, stay and are resolved by what is stored. */
export function anomaliesContract(storage: () => Storage, another: () => Promise<Storage>): void {
  let tenant: TenantId;

  beforeEach(() => {
    // The clock alone: what waits for the database waits in real time.
    vi.useFakeTimers({ toFake: ['Date'], now: NOON });
    tenant = newTenant();
  });

  afterEach(() => vi.useRealTimers());

  /** Records runs of the skill `s`, `ago` milliseconds before now. */
  const ran = (ago: number, completed: number, failed: number, { skills } = storage()) =>
    skills.record(
      tenant,
      Array.from({ length: completed + failed }, (_, index) => ({
        skill_name: 's',
        completed: index < completed,
        timestamp: isoTimestamp(Date.now() - ago),
      })),
    );
  const stored = async () => {
    const anomalies = await storage()
      .dataSource.getRepository(SkillAnomaly)
      .find({ where: { tenantId: tenant }, order: { id: 'ASC' } });
    return anomalies.map(({ anomalyType, detectedAt, resolvedAt, deviationScore }) => ({
      anomalyType,
      detectedAt,
      resolvedAt,
      score: Math.round(deviationScore * 1000) / 1000,
    }));
  };
  const look = () => storage().detector.look(tenant);
  /** Looks, and tells how many anomalies there are then. */
  const found = async () => {
    await look();
    return (await stored()).length;
  };

  it('a drop opens one', async () => {
    await ran(2 * HOUR, 19, 1);
    await ran(MINUTE, 3, 5);
    await look();

    // 8 runs of mean 0.375 after 20 of mean 0.95 and standard deviation 0.2236.
    const score = -2.571;
    expect(await stored()).toEqual([{ anomalyType: 'drop', detectedAt: NOON, resolvedAt: null, score }]);
    const state = await storage().feed.collect({ tenant, filter: NO_FILTER, features: ALL_FEATURES, timestamp: NOON });
    expect(state['anomalies']).toEqual([
      { skill_name: 's', detected_at: isoTimestamp(NOON), anomaly_type: 'drop', deviation_score: 2.57 },
    ]);
  });

  it('a spike opens one', async () => {
    await ran(2 * HOUR, 1, 19);
    await ran(MINUTE, 5, 3);
    await look();

    expect(await stored()).toEqual([{ anomalyType: 'spike', detectedAt: NOON, resolvedAt: null, score: 2.571 }]);
  });

  it('where the baseline never varied, a change by a fifth does', async () => {
    await ran(2 * HOUR, 10, 0);
    await ran(MINUTE, 9, 2);
    expect(await found()).toBe(0);
    await ran(MINUTE, 3, 1);
    await look();

    expect(await stored()).toMatchObject([{ anomalyType: 'drop', score: -10 }]);
  });

  it('one that is open is not raised again', async () => {
    await ran(2 * HOUR, 10, 0);
    await ran(MINUTE, 0, 2);
    await look();
    vi.setSystemTime(NOON + MINUTE);
    await ran(0, 0, 5);
    await look();

    expect(await stored()).toMatchObject([{ detectedAt: NOON, resolvedAt: null }]);
  });

  it('one is resolved when the runs are as they were, and another can open after it', async () => {
    await ran(2 * HOUR, 10, 0);
    await ran(MINUTE, 0, 2);
    await look();
    vi.setSystemTime(NOON + MINUTE);
    await ran(0, 9, 0);
    await look();
    expect(await stored()).toMatchObject([{ detectedAt: NOON, resolvedAt: NOON + MINUTE }]);

    vi.setSystemTime(NOON + 2 * MINUTE);
    await ran(0, 0, 20);
    await look();
    expect(await stored()).toMatchObject([{ detectedAt: NOON }, { detectedAt: NOON + 2 * MINUTE, resolvedAt: null }]);
  });

  it('one stays open while the runs are neither as they were nor far from it', async () => {
    await ran(2 * HOUR, 16, 4);
    await ran(MINUTE, 0, 5);
    await ran(MINUTE, 1, 0);
    // −1.56 standard deviations, and none to begin with.
    expect(await found()).toBe(0);
    await storage()
      .dataSource.getRepository(SkillAnomaly)
      .insert({
        tenantId: tenant,
        skillName: 's',
        anomalyType: 'drop',
        deviationScore: -2,
        detectedAt: NOON - 1,
      });
    await ran(MINUTE, 0, 1);
    await look();

    expect(await stored()).toMatchObject([{ detectedAt: NOON - 1, resolvedAt: null }]);
  });

  it('takes five runs before the last hour and two within', async () => {
    await ran(2 * HOUR, 4, 0);
    await ran(MINUTE, 0, 1);
    expect(await found()).toBe(0);
    await ran(MINUTE, 0, 1);
    expect(await found()).toBe(0);
    await ran(2 * HOUR, 1, 0);
    expect(await found()).toBe(1);
  });

  it('a single run in the last hour says nothing', async () => {
    await ran(2 * HOUR, 100, 0);
    await ran(MINUTE, 0, 1);
    expect(await found()).toBe(0);
  });

  it('a run of exactly a day ago is too old', async () => {
    await ran(MINUTE, 0, 2);
    await ran(DAY - 1, 4, 0);
    await ran(DAY, 1, 0);
    expect(await found()).toBe(0);
    await ran(DAY - 1, 1, 0);
    expect(await found()).toBe(1);
  });

  it('a run of exactly an hour ago is one of before', async () => {
    await ran(HOUR, 5, 0);
    await ran(HOUR - 1, 0, 1);
    await ran(HOUR, 0, 1);
    expect(await found()).toBe(0);
    await ran(HOUR - 1, 0, 1);
    expect(await found()).toBe(1);
  });

  it('a run of now counts, one that is still to come does not', async () => {
    await ran(2 * HOUR, 5, 0);
    await ran(0, 0, 1);
    await ran(-1, 0, 1);
    expect(await found()).toBe(0);
    vi.setSystemTime(NOON + 1);
    storage().detector.mark(tenant, ['s']);
    expect(await found()).toBe(1);
  });

  it('looking twice at once opens one', async () => {
    await ran(2 * HOUR, 10, 0);
    await ran(MINUTE, 0, 2);
    const first = look();
    storage().detector.mark(tenant, ['s']);
    await Promise.all([first, look(), look()]);

    expect(await stored()).toHaveLength(1);
  });

  it('two instances that look at once open one', async () => {
    const other = await another();
    await ran(2 * HOUR, 10, 0);
    await ran(MINUTE, 0, 2);
    other.detector.mark(tenant, ['s']);
    await Promise.all([look(), other.detector.look(tenant)]);
    await other.close();

    expect(await stored()).toHaveLength(1);
  });

  it('a look that fails is made up for by the next', async () => {
    await ran(2 * HOUR, 10, 0);
    await ran(MINUTE, 0, 2);
    await storage().dataSource.query('ALTER TABLE metricast_skill_minute RENAME TO hidden');
    await expect(look()).rejects.toThrow();
    await storage().dataSource.query('ALTER TABLE hidden RENAME TO metricast_skill_minute');

    expect(await found()).toBe(1);
  });

  it('a look does not miss the runs that are being committed meanwhile', async () => {
    await ran(2 * HOUR, 10, 0);
    await look();
    const isPostgres = storage().dataSource.options.type === 'postgres';
    const looks: Promise<void>[] = [];
    // In one transaction: the runs, and a write that takes a while.
    const recorded = ran(MINUTE, 0, 2);
    const slow = storage().write(function* () {
      looks.push(look());
      yield { sql: isPostgres ? 'SELECT pg_sleep(0.1)' : 'SELECT 1', values: [] };
    });
    await Promise.all([recorded, slow]);
    await Promise.all(looks);

    expect(await found()).toBe(1);
  });

  it('looks only where something ran', async () => {
    const restarted = await another();
    await ran(2 * HOUR, 10, 0);
    await ran(MINUTE, 0, 2);
    await restarted.detector.look(tenant);
    await restarted.close();

    expect(await stored()).toEqual([]);
  });

  it('looks every minute at all skills that ran within a day', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now: NOON });
    const restarted = await another();
    // The skills of other tests, which are many.
    await storage().rows('DELETE FROM metricast_skill');
    await ran(2 * HOUR, 10, 0);
    await ran(MINUTE, 0, 2);

    restarted.detector.onApplicationBootstrap();
    await vi.advanceTimersByTimeAsync(MINUTE);
    await vi.waitFor(async () => expect(await stored()).toHaveLength(1));
    restarted.detector.onModuleDestroy();
    await restarted.close();
  });
}
