import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../../src/store/index.js';
import { SECRET, TestApp, secondsFromNow } from '../../support/app.js';
import { TestTenant, run } from '../../support/test-tenant.js';
import type { WireClient, WireMessage } from '../../support/wire-client.js';

type Row = Record<string, unknown>;
const anomaliesIn = ({ data }: WireMessage) => (data as { anomalies: Row[] }).anomalies;
const HOUR = 3600;

describe('the anomalies of the skills dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: WireClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watchSkills();
    return () => client.close();
  });

  /** Runs of a skill: so many completed, and so many failed ones. */
  const runs = (skill: string, completed: number, failed: number, hoursAgo: number) =>
    Array.from({ length: completed + failed }, (_, at) =>
      run(skill, { completed: at < completed, timestamp: secondsFromNow(-hoursAgo * HOUR) }),
    );
  const record = async (...items: Row[][]) => {
    expect(await tenant.record('skills', items.flat())).toMatchObject({ status: 202, body: { rejected: [] } });
  };
  const withAnomalies = (count: number) =>
    client.find((message) => message['type'] === 'metrics_update' && anomaliesIn(message).length === count);
  /** The anomalies when all that was recorded so far has been looked at. */
  const settledAnomalies = async () => {
    client.send({ type: 'ping' });
    await client.next({ type: 'pong' });
    // The first may have been collected before, the second may meet a look that is under way.
    for (let update = 0; update < 3; update++) await client.next({ type: 'metrics_update' });
    return anomaliesIn(await client.next({ type: 'metrics_update' }));
  };

  it('have the shape of the contract, to the field', async () => {
    await record(runs('lint', 9, 1, 3), runs('lint', 0, 2, 0));

    // Mean 0.9 of 10 runs: a sample standard deviation of 0.316, which 0 is 2.846 of below.
    expect(anomaliesIn(await withAnomalies(1))).toEqual([
      {
        skill_name: 'lint',
        detected_at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string,
        anomaly_type: 'drop',
        deviation_score: 2.85,
      },
    ]);
  });

  it('are a spike where more completes than before, and the score has no sign', async () => {
    await record(runs('lint', 1, 9, 3), runs('lint', 2, 0, 0));

    expect(anomaliesIn(await withAnomalies(1))).toMatchObject([{ anomaly_type: 'spike', deviation_score: 2.85 }]);
  });

  it.each([
    { before: [5, 0], now: [0, 2], type: 'drop' },
    { before: [5, 0], now: [4, 1], type: 'drop' },
    { before: [0, 5], now: [2, 0], type: 'spike' },
  ])('score 10 where the day before never varied: $before then $now', async ({ before, now, type }) => {
    await record(runs('lint', before[0]!, before[1]!, 2), runs('lint', now[0]!, now[1]!, 0));

    expect(anomaliesIn(await withAnomalies(1))).toMatchObject([{ anomaly_type: type, deviation_score: 10 }]);
  });

  it.each([
    { why: 'the baseline has 4 runs', items: () => [runs('lint', 4, 0, 2), runs('lint', 0, 2, 0)] },
    { why: 'the last hour has 1 run', items: () => [runs('lint', 5, 0, 2), runs('lint', 0, 1, 0)] },
    { why: 'the score is below 2', items: () => [runs('lint', 7, 3, 2), runs('lint', 0, 9, 0)] },
    {
      why: 'the day before never varied and the change is below 0.2',
      items: () => [runs('lint', 9, 0, 2), runs('lint', 9, 1, 0)],
    },
    { why: 'the baseline is older than a day', items: () => [runs('lint', 9, 0, 24.5), runs('lint', 0, 2, 0)] },
    { why: 'the failures are of another skill', items: () => [runs('lint', 9, 0, 2), runs('test', 0, 9, 0)] },
  ])('are none where $why', async ({ items }) => {
    await record(...items());

    expect(await settledAnomalies()).toEqual([]);
  });

  it('count a run of an hour ago, and older, to the baseline alone', async () => {
    await record(runs('lint', 0, 9, 1.01), runs('lint', 9, 0, 23.9), runs('lint', 1, 1, 0));

    expect(await settledAnomalies()).toEqual([]);
  });

  it('are not raised again while open', async () => {
    await record(runs('lint', 5, 0, 2), runs('lint', 0, 2, 0));
    const [first] = anomaliesIn(await withAnomalies(1));
    await record(runs('lint', 0, 5, 0));

    expect(await settledAnomalies()).toEqual([first]);
  });

  it('stay in sight for the hour when resolved, and a later one is raised beside them', async () => {
    await record(runs('lint', 9, 1, 3), runs('lint', 0, 2, 0));
    const [first] = anomaliesIn(await withAnomalies(1));
    // As good as before: resolved.
    await record(runs('lint', 18, 0, 0));
    expect(await settledAnomalies()).toEqual([first]);
    await record(runs('lint', 0, 200, 0));

    const [second, ...rest] = anomaliesIn(await withAnomalies(2));

    expect(rest).toEqual([first]);
    expect(Date.parse(second!['detected_at'] as string)).toBeGreaterThan(Date.parse(first!['detected_at'] as string));
  });

  it('are not resolved by a score between 1 and 2', async () => {
    await record(runs('lint', 9, 1, 3), runs('lint', 0, 2, 0));
    const [first] = anomaliesIn(await withAnomalies(1));
    // 0.5 of 12 runs is a score of 1.26.
    await record(runs('lint', 2, 0, 0));
    await settledAnomalies();
    await record(runs('lint', 0, 200, 0));

    expect(await settledAnomalies()).toEqual([first]);
  });

  it('are the newest ten, newest first', async () => {
    const skills = Array.from({ length: 12 }, (_, at) => `skill-${at}`);
    for (const skill of skills) {
      await record(runs(skill, 5, 0, 2), runs(skill, 0, 2, 0));
      await client.find(
        (message) =>
          message['type'] === 'metrics_update' && anomaliesIn(message).some(({ skill_name }) => skill_name === skill),
      );
    }

    const shown = (await settledAnomalies()).map(({ skill_name }) => skill_name);

    expect(shown).toEqual(skills.reverse().slice(0, 10));
  });

  it('are those of the watched skill alone', async () => {
    await record(runs('lint', 5, 0, 2), runs('lint', 0, 2, 0), runs('test', 5, 0, 2), runs('test', 0, 2, 0));
    await withAnomalies(2);
    client.send({ type: 'subscribe', skill: 'test' });
    await client.next({ type: 'subscription_confirmed' });

    expect(anomaliesIn(await client.next({ type: 'metrics_update' }))).toMatchObject([{ skill_name: 'test' }]);
  });

  it('are those of the tenant alone', async () => {
    const other = new TestTenant(app);
    await other.record('skills', [...runs('lint', 5, 0, 2), ...runs('lint', 0, 2, 0)]);
    await record(runs('lint', 5, 0, 2), runs('lint', 2, 0, 0));

    expect(await settledAnomalies()).toEqual([]);
  });

  it('are found while nobody watches, too', async () => {
    const unwatched = new TestTenant(app);
    await unwatched.record('skills', [...runs('lint', 5, 0, 2), ...runs('lint', 0, 2, 0)]);
    const database = app.app.get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false });
    const stored = () => database.query('SELECT * FROM metricast_skill_anomaly WHERE tenant_id = ?', [unwatched.id]);
    await expect.poll(stored, { timeout: 10_000 }).toHaveLength(1);
    const connected = Date.now();
    const late = await unwatched.watchSkills();

    const [anomaly] = anomaliesIn(await late.next({ type: 'metrics_update' }));

    expect(Date.parse(anomaly!['detected_at'] as string)).toBeLessThanOrEqual(connected);
    await late.close();
  });
});
