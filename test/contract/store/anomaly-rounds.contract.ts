import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { type TenantId, isoTimestamp } from '../../../src/protocol/index.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NOON = Date.UTC(2026, 10, 21, 12, 34, 56, 789);

/** However many skills a tenant has, and however often they run: those of others are looked at in time. */
export function anomalyRoundsContract(storage: () => Storage): void {
  let noisy: TenantId;
  let quiet: TenantId;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now: NOON });
    [noisy, quiet] = [newTenant(), newTenant()];
    // The skills of other tests, which are many.
    await storage().rows('DELETE FROM metricast_skill');
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** Each of the skills ran so often, `ago` milliseconds before now. */
  const ran = async (tenant: TenantId, skills: readonly string[], ago: number, times: number, completed = true) => {
    const timestamp = isoTimestamp(Date.now() - ago);
    await storage().skills.record(
      tenant,
      skills.flatMap((skill_name) => Array.from({ length: times }, () => ({ skill_name, completed, timestamp }))),
    );
  };
  const openAnomaly = async (tenant: TenantId, skill = 's') => {
    await ran(tenant, [skill], 2 * HOUR, 5);
    await ran(tenant, [skill], MINUTE, 2, false);
  };
  const names = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`);

  /** A detector at work, which has been told of nothing yet, and counts the skills of a tenant whose windows it read. */
  const watchedDetector = () => {
    const { newDetector, windows } = storage();
    const read = vi.spyOn(windows, 'runs');
    const detector = newDetector();
    detector.onApplicationBootstrap();
    onTestFinished(() => detector.onModuleDestroy());
    return { detector, looks: (tenant: TenantId) => read.mock.calls.filter(([of]) => of === tenant).length / 2 };
  };
  const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 10_000, interval: 5 });
  const anomalyOf = (tenant: TenantId) =>
    eventually(async () => {
      const sql = 'SELECT skill_name FROM metricast_skill_anomaly WHERE tenant_id = $1';
      expect(await storage().rows(sql, [tenant])).toHaveLength(1);
    });
  const pass = (time: number) => vi.advanceTimersByTime(time);
  /** Rounds begin until it is so, but not for a minute: that would be another sweep. */
  const inFurtherRounds = (check: () => void) => {
    const rounds = () => {
      pass(SECOND);
      check();
    };
    return vi.waitFor(rounds, { timeout: 10_000, interval: 250 });
  };

  it('skills that ran too seldom cost one read of a thousand of them, and no windows', async () => {
    await ran(noisy, names(5000), MINUTE, 1);
    await openAnomaly(quiet);
    const { detector, looks } = watchedDetector();
    const reads = vi.spyOn(storage().dataSource.logger, 'logQuery').mockImplementation(() => undefined);
    detector.mark(noisy, names(5000));
    detector.mark(quiet, ['s']);

    pass(SECOND);
    await anomalyOf(quiet);
    expect(looks(noisy)).toBe(0);
    expect(reads.mock.calls.filter(([, values]) => values?.includes(noisy))).toHaveLength(1);

    // The others are sorted out, too, and what ran often among them is found.
    await openAnomaly(noisy, 's4999');
    for (let round = 0; round < 4; round++) await detector.look(noisy);
    await anomalyOf(noisy);
    expect(looks(noisy)).toBe(1);
    expect(reads.mock.calls.some(([, values]) => values?.includes('s999') && values.includes('s1000'))).toBe(false);
  });

  it('the sweep does not even find skills that ran too seldom', async () => {
    await ran(noisy, names(5000), MINUTE, 1);
    await openAnomaly(quiet);
    const { looks } = watchedDetector();

    pass(MINUTE);
    await anomalyOf(quiet);
    expect(looks(noisy)).toBe(0);
    expect(looks(quiet)).toBe(1);
  });

  it('seven runs are enough, six are not', async () => {
    const { detector, looks } = watchedDetector();
    await ran(quiet, ['s'], MINUTE, 6);
    detector.mark(quiet, ['s']);
    await detector.look(quiet);
    expect(looks(quiet)).toBe(0);
    await ran(quiet, ['s'], MINUTE, 1);
    detector.mark(quiet, ['s']);
    await detector.look(quiet);
    expect(looks(quiet)).toBe(1);
  });

  it('a round takes 200 skills of a tenant, then it is the next one’s turn, and no two rounds go on at once', async () => {
    await ran(noisy, names(450), MINUTE, 7);
    await openAnomaly(quiet);
    const { detector, looks } = watchedDetector();
    detector.mark(noisy, names(450));
    detector.mark(quiet, ['s']);

    // The second comes while the first is under way.
    pass(2 * SECOND);
    await anomalyOf(quiet);
    expect(looks(noisy)).toBe(200);
    await inFurtherRounds(() => expect(looks(noisy)).toBe(450));
  });

  it('so it is with what the sweep finds', async () => {
    await ran(noisy, names(450), 2 * MINUTE, 7);
    await openAnomaly(quiet);
    const { looks } = watchedDetector();

    pass(MINUTE);
    await anomalyOf(quiet);
    await eventually(() => expect(looks(noisy)).toBe(200));
    await inFurtherRounds(() => expect(looks(noisy)).toBe(450));
  });

  it('what just ran does not wait for what the sweep finds', async () => {
    const tenants = Array.from({ length: 8 }, newTenant);
    for (const tenant of tenants) await ran(tenant, names(150), MINUTE, 7);
    const { detector, looks } = watchedDetector();
    const swept = () => tenants.reduce((sum, tenant) => sum + looks(tenant), 0);
    pass(MINUTE);
    await eventually(() => expect(swept()).toBeGreaterThan(0));
    await openAnomaly(quiet);
    detector.mark(quiet, ['s']);
    pass(SECOND);
    await anomalyOf(quiet);

    expect(swept()).toBeLessThan(1000);
    await eventually(() => expect(swept()).toBe(1200));
  });

  it('the totals of those that ran are read by the index', async () => {
    const { detector } = watchedDetector();
    await ran(quiet, names(20), MINUTE, 1);
    detector.mark(quiet, names(20));
    const plans = await plansOf(storage(), () => detector.look(quiet));

    expect(plans).toHaveLength(1);
    expectIndexed(plans);
  });
}
