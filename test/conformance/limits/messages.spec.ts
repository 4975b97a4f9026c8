import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import type { ChannelsClient } from '../../support/channels-client.js';
import { changeSettings } from '../../support/settings.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

describe("a tenant's limit of messages a minute", () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: ChannelsClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watch();
    return () => client.close();
  });

  const limit = (messages: number | null) =>
    changeSettings(app, tenant, { limits: { max_messages_per_minute: messages } });
  /** How many of so many pings are done. */
  const done = async (count: number) => {
    for (let at = 0; at < count; at++) client.send({ type: 'ping' });
    const isAnswer = ({ type, code }: Record<string, unknown>) => type === 'pong' || code === 'rate_limited';
    const answers = [];
    while (answers.length < count) answers.push(await client.wire.find(isAnswer));
    return answers.filter(({ type }) => type === 'pong').length;
  };

  it('is 1,000 where nothing is set', async () => {
    expect(await done(1001)).toBe(1000);
  });

  it('holds from the moment that it is set, on connections that are open', async () => {
    expect(await done(5)).toBe(5);
    await limit(8);
    expect(await done(5)).toBe(3);
    await limit(10);
    expect(await done(5)).toBe(2);
    await limit(2);
    expect(await done(1)).toBe(0);
  });

  it('of 0 is none', async () => {
    await limit(3);
    expect(await done(5)).toBe(3);
    await limit(0);

    expect(await done(1500)).toBe(1500);
  });

  it('is not that of another tenant', async () => {
    await limit(1);
    expect(await done(2)).toBe(1);
    const other = await new TestTenant(app).watch();

    expect(await other.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    expect(await other.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await other.close();
  });

  it('counts what the address of a connection asks for as well', async () => {
    await limit(2);
    const [one, two, three] = [await tenant.watchSkills(), await tenant.watchSkills(), await tenant.watchSkills()];
    const isUpdateOrError = ({ type }: Record<string, unknown>) => type === 'metrics_update' || type === 'error';
    expect(await one.find(isUpdateOrError)).toMatchObject({ type: 'metrics_update' });
    expect(await two.find(isUpdateOrError)).toMatchObject({ type: 'metrics_update' });

    expect(await three.find(isUpdateOrError)).toMatchObject({ type: 'error', message: 'Rate limit exceeded' });
    await Promise.all([one, two, three].map((each) => each.close()));
  });

  it.each([
    { path: '/ws/skills?', saysWhen: false },
    { path: '/ws/tools?', saysWhen: false },
    { path: '/ws/routing?', saysWhen: false },
    { path: '/ws?event_types=alert', saysWhen: true },
    { path: '/ws/metrics?channels=alerts.events', saysWhen: true },
  ])('ends a socket of $path that can have nothing of what its address asks for', async ({ path, saysWhen }) => {
    await limit(1);
    const open = () => WireClient.open(app.url(`${path}&token=${tenant.token()}`, 'ws'));
    const [one, two] = [await open(), await open()];
    const error = await two.find((message) => Object.values(message).includes('Rate limit exceeded'));

    expect('retry_after' in error).toBe(saysWhen);
    expect(await two.closed).toEqual({ code: 4429, reason: 'too many connections or attempts' });
    expect(two.unread).toEqual([]);
    expect(one.socket.readyState).toBe(one.socket.OPEN);
    await one.close();
  });

  it('counts what the address of a stream asks for as well, and ends one that can have nothing', async () => {
    await limit(1);
    const one = await tenant.stream('dialect=skills');
    const two = await tenant.stream('dialect=skills');

    expect(await two.nextOf('error')).toMatchObject({ message: { message: 'Rate limit exceeded' } });
    expect(await two.nextOf('error')).toMatchObject({ message: { code: 4429, reconnect: true } });
    await two.closed;
    await one.next({ type: 'metrics_update' });
    await one.close();
  });
});
