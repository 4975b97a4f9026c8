import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, secondsFromNow } from '../../support/app.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

describe('a connection whose token expires', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());

  it.each(['/ws/metrics', '/ws/skills'])('on %s is closed with 4401 within a second of its exp', async (path) => {
    const exp = secondsFromNow(2);
    const client = await WireClient.open(app.url(`${path}?token=${new TestTenant(app).token({ exp })}`, 'ws'));

    expect(await client.closed).toEqual({ code: 4401, reason: 'token expired' });
    const late = Date.now() - exp * 1000;
    expect(late).toBeGreaterThanOrEqual(0);
    // A second, and what the close takes on a busy machine.
    expect(late).toBeLessThan(1500);
  });

  it('is warned by nothing, and served to the end', async () => {
    const tenant = new TestTenant(app);
    const client = await tenant.watch('JSON', tenant.token({ exp: secondsFromNow(2) }));
    await client.subscribe(['skills.metrics']);
    const received: string[] = [];
    client.wire.socket.on('message', (data: Buffer) =>
      received.push((JSON.parse(data.toString()) as { channel: string }).channel),
    );
    await client.closed;

    expect(new Set(received)).toEqual(new Set(['skills.metrics']));
    expect(received.length).toBeGreaterThan(5);
  });

  it('is closed alone: one of the same subject with a longer token stays', async () => {
    const tenant = new TestTenant(app);
    const short = await tenant.watch('JSON', tenant.token({ exp: secondsFromNow(1) }));
    const long = await tenant.watch();
    await short.closed;

    expect(await long.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await long.close();
  });
});
