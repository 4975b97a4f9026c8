import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../../../src/store/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, decision } from '../../support/test-tenant.js';
import type { WireClient } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;

const isState = (message: object) => 'total_decisions' in message;
const timeOf = (message: Record<string, unknown>) => Date.parse(message['timestamp'] as string);

// A tick comes every 5 seconds, so the tests wait for it together.
describe.concurrent('the stream of the routing dialect', () => {
  let app: TestApp;
  let failing: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.5 });
    failing = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => Promise.all([app.close(), failing.close()]));

  /** The next state of a later instant: who comes while a tick collects is shown that one twice. */
  const nextAfter = (client: WireClient, message: Record<string, unknown>) =>
    client.find((next) => isState(next) && timeOf(next) > timeOf(message));

  it('goes on every 5 seconds where other states come more often', async () => {
    const tenant = new TestTenant(app);
    const [client, skills] = [await tenant.watchRouting(), await tenant.watchSkills()];
    const one = await nextAfter(client, await client.next());
    skills.unread.length = 0;
    const other = await nextAfter(client, one);

    // Both are of the same clock, one in ten of what the other is; a busy machine may skip some.
    expect(skills.unread.filter(({ type }) => type === 'metrics_update').length).toBeGreaterThan(5);
    expect(timeOf(other) - timeOf(one)).toBeGreaterThan(4000);
    await Promise.all([client.close(), skills.close()]);
  });

  it('shows a new decision by the next tick, without being asked', async () => {
    const tenant = new TestTenant(app);
    const client = await tenant.watchRouting();
    const first = await client.next();
    await tenant.record('decisions', decision({ strategy: 'new', provider: 'claude', confidence: 0.8, cost: 0.25 }));

    expect(first).toMatchObject({ total_decisions: 0 });
    expect(await nextAfter(client, first)).toEqual({
      total_decisions: 1,
      avg_confidence: 0.8,
      strategy_performance: { new: { count: 1, avg_cost: 0.25, avg_confidence: 0.8 } },
      confidence_distribution: { high: 1, medium: 0, low: 0 },
      provider_usage: { claude: 1 },
      timestamp: ISO,
    });
    await client.close();
  });

  it('is the very same for all clients of a tenant', async () => {
    const tenant = new TestTenant(app);
    const [one, other] = [await tenant.watchRouting(), await tenant.watchRouting()];
    const state = await nextAfter(other, await other.next());

    expect(await one.next({ timestamp: state['timestamp'] })).toEqual(state);
    await Promise.all([one.close(), other.close()]);
  });

  it('says so where the metrics cannot be collected, at once and at a tick, and goes on', async () => {
    const tenant = new TestTenant(failing);
    const database = failing.app.get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false });
    const rename = (from: string, to: string) => database.query(`ALTER TABLE ${from} RENAME TO ${to}`);
    await rename('metricast_decision_bucket', 'away');
    const client = await tenant.watchRouting();
    const failed = { error: 'Failed to fetch metrics', timestamp: ISO };

    expect(await client.next()).toEqual(failed);
    expect(await client.next()).toEqual(failed);
    await rename('away', 'metricast_decision_bucket');
    expect(await client.find(isState)).toMatchObject({ total_decisions: 0 });
    await client.close();
  });
});
