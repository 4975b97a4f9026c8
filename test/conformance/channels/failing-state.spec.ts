import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../../src/store/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { ENCODINGS } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';

describe.each(ENCODINGS)('a state that cannot be collected, over %s', (encoding) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  const rename = (from: string, to: string) =>
    app.app
      .get<DataSource>(getDataSourceToken(DATA_SOURCE), { strict: false })
      .query(`ALTER TABLE ${from} RENAME TO ${to}`);

  it('is told each client in the words of its dialect, and the stream goes on', async () => {
    const tenant = new TestTenant(app);
    const [channels, skills] = [await tenant.watch(encoding), await tenant.watchSkills()];
    await channels.subscribe(['skills.metrics', 'system.metrics']);
    await channels.nextOf('skills.metrics');
    await skills.next({ type: 'metrics_update' });

    await rename('metricast_skill', 'metricast_skill_away');
    expect(await channels.next({ type: 'error' })).toEqual({
      type: 'error',
      message: 'Failed to fetch metrics',
      channel: 'skills.metrics',
      code: 'collect_failed',
    });
    expect(await skills.next({ type: 'error' })).toEqual({
      type: 'error',
      message: 'Failed to fetch metrics',
      timestamp: expect.any(String) as string,
    });
    // What does not need that table does not notice.
    await channels.nextOf('system.metrics');

    await rename('metricast_skill_away', 'metricast_skill');
    await channels.nextOf('skills.metrics');
    await skills.next({ type: 'metrics_update' });
    await channels.close();
    await skills.close();
  });
});
