import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import type { ChannelsClient } from '../../support/channels-client.js';
import { TestTenant, alert } from '../../support/test-tenant.js';

describe('recording of alerts', () => {
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
    await client.subscribe(['alerts.events']);
    return () => client.close();
  });

  it('sends each to the subscribers of alerts.events, field for field', async () => {
    const timestamp = '2026-01-20T12:00:00.123Z';
    expect(await tenant.record('alerts', alert({ timestamp }))).toMatchObject({
      status: 202,
      body: { accepted: 1, rejected: [] },
    });

    expect(await client.next()).toEqual({
      channel: 'alerts.events',
      event: 'alert',
      data: { type: 'budget', message: 'over budget', priority: 'high' },
      timestamp,
      tags: { type: 'budget', priority: 'high' },
      offset: 1,
    });
  });

  it('sends them in the order of the list, and to those alone who asked for their tags', async () => {
    const other = await tenant.watch();
    await other.subscribe(['alerts.events'], { tags: { priority: ['high', 'critical'] } });
    const priorities = ['low', 'critical', 'medium', 'high'];
    await tenant.record(
      'alerts',
      priorities.map((priority) => alert({ priority, message: priority })),
    );

    const messagesOf = async (one: ChannelsClient) =>
      (await one.settled()).map(({ data }) => (data as { message: string }).message);
    expect(await messagesOf(client)).toEqual(priorities);
    expect(await messagesOf(other)).toEqual(['critical', 'high']);
    await other.close();
  });

  it('is given by now where it has no timestamp', async () => {
    const before = Date.now();
    await tenant.record('alerts', alert());
    const recorded = Date.parse((await client.next())['timestamp'] as string);

    expect(recorded).toBeGreaterThanOrEqual(before);
    expect(recorded).toBeLessThanOrEqual(Date.now());
  });

  it('judges each item by itself, and says where the bad ones are and why', async () => {
    const answer = await tenant.record('alerts', [alert({ priority: 'urgent' }), alert(), 'fire']);

    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      accepted: 1,
      rejected: [
        { index: 0, field: 'priority', message: 'must be one of low, medium, high, critical' },
        { index: 2, field: '', message: 'must be an object' },
      ],
    });
    expect(await client.settled()).toHaveLength(1);
  });

  it('answers 400 where no item is good, and sends nothing', async () => {
    expect(await tenant.record('alerts', alert({ message: '' }))).toMatchObject({
      status: 400,
      body: { errors: [{ field: '0.message' }] },
    });
    expect(await client.settled()).toEqual([]);
  });

  it.each([
    { field: 'type', of: { type: undefined } },
    { field: 'type', of: { type: 7 } },
    { field: 'type', of: { type: 'a\nb' } },
    { field: 'type', of: { type: 'x'.repeat(201) } },
    { field: 'message', of: { message: undefined } },
    { field: 'message', of: { message: null } },
    { field: 'message', of: { message: ['over budget'] } },
    { field: 'message', of: { message: 'x'.repeat(2001) } },
    { field: 'message', of: { message: '\u001b[31mred' } },
    { field: 'message', of: { message: 'a\u0000b' } },
    { field: 'priority', of: { priority: undefined } },
    { field: 'priority', of: { priority: 'HIGH' } },
    { field: 'priority', of: { priority: 'toString' } },
    { field: 'priority', of: { priority: 1 } },
    { field: 'timestamp', of: { timestamp: 'soon' } },
    { field: 'id', of: { id: 7 } },
  ])('rejects one for its $field: $of', async ({ field, of }) => {
    const answer = await tenant.record('alerts', [alert(), alert(of)]);

    expect(answer).toMatchObject({ status: 202, body: { accepted: 1, rejected: [{ index: 1, field }] } });
  });

  it.each(['several\nlines\r\n\tand a tab', 'x'.repeat(2000), '🔥 "<b>" \\ ünï', '__proto__'])(
    'keeps the message %j as it is',
    async (message) => {
      await tenant.record('alerts', alert({ message }));

      expect(await client.next()).toMatchObject({ data: { message } });
    },
  );

  it.each(['x'.repeat(200), '"'.repeat(200), '__proto__', 'ü'.repeat(200)])(
    'takes the type %j for a tag',
    async (type) => {
      await tenant.record('alerts', alert({ type }));

      expect(await client.next()).toMatchObject({ tags: { type }, data: { type } });
    },
  );

  it('accepts a repeat of an id, and does not send it again', async () => {
    for (let time = 0; time < 2; time++) {
      const answer = await tenant.record('alerts', [alert({ id: 'a' }), alert({ id: 'a' })]);
      expect(answer).toMatchObject({ status: 202, body: { accepted: 2 } });
    }

    expect(await client.settled()).toHaveLength(1);
  });

  it('sends a tenant nothing of another, whatever the body says', async () => {
    const other = new TestTenant(app);
    await other.record('alerts', alert({ tenant_id: tenant.id }));

    expect(await client.settled()).toEqual([]);
  });

  it('needs the role ingest', async () => {
    const token = tenant.token({ roles: ['viewer'] });

    expect(await tenant.record('alerts', alert(), token)).toMatchObject({ status: 403 });
    expect(await client.settled()).toEqual([]);
  });
});
