import { describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

describe('a server that shuts down', () => {
  it('closes every connection with 1001', async () => {
    const app = await TestApp.start({ auth: { secret: SECRET } });
    const tenant = new TestTenant(app);
    const [channels, skills] = [await tenant.watch(), await tenant.watchSkills()];
    await channels.subscribe(['system.metrics']);
    await app.close();

    expect(await channels.closed).toEqual({ code: 1001, reason: 'server shutting down' });
    expect(await skills.closed).toEqual({ code: 1001, reason: 'server shutting down' });
  });

  it('sends a client away that has not sent its token yet', async () => {
    const app = await TestApp.start({ auth: { secret: SECRET } });
    const client = await WireClient.open(app.url('/ws/skills', 'ws'));
    const began = Date.now();
    await app.close();

    expect(await client.closed).toEqual({ code: 1001, reason: 'server shutting down' });
    // Not when its time for the token is over.
    expect(Date.now() - began).toBeLessThan(4000);
  });
});
