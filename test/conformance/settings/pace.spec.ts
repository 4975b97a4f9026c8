import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { ENCODINGS } from '../../support/channels-client.js';
import { changeSettings } from '../../support/settings.js';
import { TestTenant, alert } from '../../support/test-tenant.js';
import type { WireMessage } from '../../support/wire-client.js';

let app: TestApp;
let tenant: TestTenant;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET } });
});
afterAll(() => app.close());
beforeEach(() => {
  tenant = new TestTenant(app);
});

/** Milliseconds from one of two states to the next, by their own timestamps. */
function between(one: WireMessage, next: WireMessage): number {
  return Date.parse(next['timestamp'] as string) - Date.parse(one['timestamp'] as string);
}

describe.each(ENCODINGS)('the interval of a tenant, changed under an open connection over %s', (encoding) => {
  it('applies from the next tick on, and the client is told', async () => {
    const client = await tenant.watch(encoding);
    await client.subscribe(['system.metrics']);
    await client.nextOf('system.metrics');
    await changeSettings(app, tenant, { collection_interval_seconds: 0.1 });

    expect(await client.next({ type: 'settings' })).toEqual({
      type: 'settings',
      interval: 0.1,
      profile: 'high_frequency',
      streaming: true,
      reason: 'settings_changed',
    });
    const first = await client.nextOf('system.metrics');
    const states = [await client.nextOf('system.metrics'), await client.nextOf('system.metrics')];
    expect(between(first, states.at(-1)!)).toBeLessThan(1000);
    await client.close();
  });

  it('is that of its profile, where it sets none', async () => {
    const client = await tenant.watch(encoding);
    await changeSettings(app, tenant, { performance_profile: 'low_frequency' });

    expect(await client.next({ type: 'settings' })).toMatchObject({ interval: 5, profile: 'low_frequency' });
    await changeSettings(app, tenant, { collection_interval_seconds: 0.5 });
    expect(await client.next({ type: 'settings' })).toMatchObject({ interval: 0.5, profile: 'low_frequency' });
    await client.close();
  });

  it('is no one else’s', async () => {
    const other = new TestTenant(app);
    const client = await other.watch(encoding);
    await changeSettings(app, tenant, { collection_interval_seconds: 0.1 });

    expect(await client.settled()).not.toContainEqual(expect.objectContaining({ type: 'settings' }));
    await client.close();
  });
});

describe('a longer interval', () => {
  it('slows the ticks down', async () => {
    const client = await tenant.watch();
    await client.subscribe(['system.metrics']);
    await client.nextOf('system.metrics');
    await changeSettings(app, tenant, { collection_interval_seconds: 2 });
    await client.next({ type: 'settings' });
    const first = await client.nextOf('system.metrics');

    expect(between(first, await client.nextOf('system.metrics'))).toBeGreaterThan(1500);
    await client.close();
  });
});

describe('a dialect with a pace of its own', () => {
  it('follows the tenant’s interval, where it has one', async () => {
    await changeSettings(app, tenant, { collection_interval_seconds: 0.1 });
    const client = await tenant.watchRouting();
    const first = await client.next({ total_decisions: 0 });

    expect(between(first, await client.next({ total_decisions: 0 }))).toBeLessThan(1000);
    await client.close();
  });

  it('greets with the tenant’s interval', async () => {
    await changeSettings(app, tenant, { collection_interval_seconds: 0.2 });
    const client = await tenant.watchTools();

    expect(await client.next({ type: 'connected' })).toMatchObject({ interval: 0.2 });
    await client.close();
  });
});

describe('max_events_per_minute', () => {
  it('leaves out states beyond it, and neither events nor other tenants’ states', async () => {
    const other = new TestTenant(app);
    await changeSettings(app, tenant, { collection_interval_seconds: 0.1, max_events_per_minute: 60 });
    await changeSettings(app, other, { collection_interval_seconds: 0.1, max_events_per_minute: 0 });
    const [client, clock, alerts] = [await tenant.watch(), await other.watch(), await tenant.watch()];
    await client.subscribe(['system.metrics']);
    await alerts.subscribe(['alerts.events']);
    await clock.subscribe(['system.metrics']);
    for (let tick = 0; tick < 15; tick++) await clock.nextOf('system.metrics');
    await tenant.record('alerts', [alert(), alert()]);
    await alerts.nextOf('alerts.events');
    await alerts.nextOf('alerts.events');

    const states = (await client.settled()).filter(({ channel }) => channel === 'system.metrics');
    // One a second, while the other tenant was sent 15 in one and a half; and what it is shown at once, which is no tick.
    expect(states.length).toBeGreaterThanOrEqual(1);
    expect(states.length).toBeLessThanOrEqual(4);
    for (const each of [client, clock, alerts]) await each.close();
  });
});
