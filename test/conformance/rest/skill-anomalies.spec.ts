import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../../src/store/index.js';
import { type Platform, SECRET, TestApp, secondsFromNow } from '../../support/app.js';
import { RestReader } from '../../support/rest-reader.js';
import { TestTenant, run } from '../../support/test-tenant.js';

const HOUR = 3600;
const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

describe.each<Platform>(['express', 'fastify'])('GET /skills/:name/anomalies on %s', (platform) => {
  let app: TestApp;
  let tenant: TestTenant;
  let reader: RestReader;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 }, platform);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
    reader = new RestReader(app, tenant);
  });

  const runs = (skill: string, completed: number, failed: number, hoursAgo: number) =>
    Array.from({ length: completed + failed }, (_, at) =>
      run(skill, { completed: at < completed, timestamp: secondsFromNow(-hoursAgo * HOUR) }),
    );

  it('shows what the detector found, open and then resolved', async () => {
    const client = await tenant.watchSkills();
    await tenant.record('skills', [...runs('lint', 9, 1, 3), ...runs('lint', 0, 2, 0)]);
    await client.find(({ data }) => (data as { anomalies?: unknown[] } | undefined)?.anomalies?.length === 1);
    const anomaly = { skill_name: 'lint', detected_at: ISO, anomaly_type: 'drop', deviation_score: 2.85 };

    expect((await reader.get('/skills/lint/anomalies')).body).toEqual({
      items: [{ ...anomaly, resolved_at: null }],
      next_cursor: null,
    });

    await tenant.record('skills', runs('lint', 18, 0, 0));
    // An update that was collected after the runs were recorded has had the skill looked at first.
    for (let update = 0; update < 3; update++) await client.next({ type: 'metrics_update' });
    expect((await reader.get('/skills/lint/anomalies')).body['items']).toEqual([{ ...anomaly, resolved_at: ISO }]);
    await client.close();
  });

  it('shows the newest first, a page at a time, each once', async () => {
    await tenant.record('skills', [run('lint'), run('build')]);
    const detectedAt = [5, 1, 3, 3, 3, 2, 4];
    const add = (skill: string, at: number, score: number) =>
      app.app.get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false }).query(
        `INSERT INTO metricast_skill_anomaly (tenant_id, skill_name, anomaly_type, deviation_score, detected_at, resolved_at)
           VALUES (?, ?, 'spike', ?, ?, ?)`,
        [tenant.id, skill, score, at * 1000, at * 1000 + 1],
      );
    // The score says which was found when.
    for (const [index, at] of detectedAt.entries()) await add('lint', at, index + 2);
    await add('build', 9, 9);
    const seen: unknown[] = [];
    for await (const page of reader.pages('/skills/lint/anomalies', 2)) {
      expect(page.length).toBeLessThanOrEqual(2);
      seen.push(...page);
      // One that is found meanwhile comes before all, and moves nothing.
      await add('lint', 8, 9);
    }

    const scores = detectedAt.map((at, index) => [at, index + 2] as const);
    expect(seen).toEqual(
      scores
        .sort(([at, score], [otherAt, otherScore]) => otherAt - at || otherScore - score)
        .map(([at, score]) => ({
          skill_name: 'lint',
          detected_at: new Date(at * 1000).toISOString(),
          anomaly_type: 'spike',
          deviation_score: score,
          resolved_at: new Date(at * 1000 + 1).toISOString(),
        })),
    );
  });

  it.each(['limit=0', 'cursor=x', `cursor=${Buffer.from('[1,3000000000]').toString('base64url')}`])(
    'refuses %s',
    async (query) => {
      await tenant.record('skills', run('lint'));

      expect(await reader.get(`/skills/lint/anomalies?${query}`)).toMatchObject({
        status: 400,
        body: { errors: [{ field: query.split('=')[0] }] },
      });
    },
  );
});
