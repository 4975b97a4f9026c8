import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, alert } from '../../support/test-tenant.js';
import type { WorkspaceClient } from '../../support/workspace-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const LIMIT = 10;
const TYPES = Array.from({ length: 130 }, (_, at) => `type_${at}`);

describe('the workspace dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: WorkspaceClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, eventTypes: { 'many.events': TYPES } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watchWorkspace();
    return () => client.close();
  });

  it('answers a ping', async () => {
    client.send({ type: 'ping' });

    expect(await client.next()).toEqual({ event: 'pong', timestamp: ISO });
  });

  it('answers commands in their order', async () => {
    client.send({ type: 'subscribe', event_types: ['alert', 'nope'] });
    client.send({ type: 'ping' });
    client.send({ type: 'request_metrics' });
    client.send({ type: 'no such type' });
    client.send({ type: 'unsubscribe' });

    expect((await client.settled()).map(({ event }) => event)).toEqual(['error', 'subscribed']);
    expect((await client.settled()).map(({ event }) => event)).toEqual(['metrics_update', 'error', 'unsubscribed']);
  });

  const notJson = { error: 'Invalid message: not a JSON object', code: 'bad_frame' };
  const unknown = { error: 'Unknown message type', code: 'unknown_type' };
  it.each([
    { frame: '{"type":"subscribe"', error: notJson },
    { frame: '', error: notJson },
    { frame: '"ping"', error: notJson },
    { frame: '[{"type":"ping"}]', error: notJson },
    { frame: 'null', error: notJson },
    { frame: '{}', error: unknown },
    { frame: '{"type":null}', error: unknown },
    { frame: '{"type":"PING"}', error: unknown },
    { frame: '{"type":"toString"}', error: unknown },
    { frame: '{"event":"subscribe","event_types":["alert"]}', error: unknown },
    // Commands of other dialects, and what commands are called inside.
    { frame: '{"type":"get_history"}', error: unknown },
    { frame: '{"type":"pong"}', error: unknown },
    { frame: '{"type":"authenticate","token":"x"}', error: unknown },
    { frame: '{"type":"watch_events","event_types":["alert"]}', error: unknown },
    { frame: '{"token":"x"}', error: unknown },
  ])('answers $frame with an error, and goes on', async ({ frame, error }) => {
    await client.subscribe('alert');
    client.wire.sendRaw(frame);

    expect(await client.next()).toEqual({ event: 'error', ...error, timestamp: ISO });
    await tenant.record('alerts', alert());
    expect(await client.settled()).toMatchObject([{ event: 'alert' }]);
  });

  it('ends with 4400 after 20 frames in a row that are no JSON object', async () => {
    for (let frame = 0; frame < 20; frame++) client.wire.sendRaw('not JSON');

    expect(await client.closed).toMatchObject({ code: 4400 });
    expect(client.wire.unread).toHaveLength(20);
  });

  describe('with the event types of a connection', () => {
    const tooMany = {
      event: 'error',
      error: 'Subscription error: at most 128 event types a connection',
      code: 'bad_subscription',
      timestamp: ISO,
    };
    const subscribe = (types: string[]) => {
      client.send({ type: 'subscribe', event_types: types });
      return client.next();
    };

    it('takes 128 by one frame, and not one more', async () => {
      expect(await subscribe(TYPES.slice(0, 129))).toEqual(tooMany);
      expect(await client.unsubscribe()).toMatchObject({ event_types: [] });
      expect(await subscribe(TYPES.slice(0, 128))).toMatchObject({ event_types: TYPES.slice(0, 128).sort() });
    });

    it('takes 128 by several frames, and refuses the frame whole that has one too many', async () => {
      await subscribe(TYPES.slice(0, 127));

      expect(await subscribe(TYPES.slice(127, 129))).toEqual(tooMany);
      expect((await subscribe(TYPES.slice(127, 128)))['event_types']).toHaveLength(128);
      expect(await subscribe(['alert'])).toEqual(tooMany);
      expect((await subscribe(TYPES.slice(0, 128)))['event_types']).toHaveLength(128);
      await tenant.record('alerts', alert());
      expect(await client.settled()).toEqual([]);
    });

    it('takes another one for one that is unsubscribed from', async () => {
      await subscribe(TYPES.slice(0, 128));
      await client.unsubscribe('type_0');

      expect((await subscribe(['alert']))['event_types']).toHaveLength(128);
    });

    it('does not count unknown ones', async () => {
      await subscribe(TYPES.slice(0, 128));

      expect(await subscribe(['nope'])).toMatchObject({ error: 'Unknown event type nope' });
      expect((await client.next())['event_types']).toHaveLength(128);
    });
  });
});

describe('the workspace dialect, to who has sent too much', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, maxMessagesPerMinute: LIMIT });
  });
  afterAll(() => app.close());

  it('says when there is budget again, and does not do what was asked; events go on', async () => {
    const tenant = new TestTenant(app);
    const client = await tenant.watchWorkspace();
    await client.subscribe('alert');
    for (let message = 1; message < LIMIT; message++) client.send({ type: 'ping' });
    client.send({ type: 'unsubscribe' });

    const error = await client.next({ event: 'error' });

    expect(error).toEqual({
      event: 'error',
      error: 'Rate limit exceeded',
      code: 'rate_limited',
      retry_after: expect.any(Number) as number,
      timestamp: ISO,
    });
    expect(error['retry_after']).toBeGreaterThan(0);
    expect(error['retry_after']).toBeLessThanOrEqual(60);
    await tenant.record('alerts', alert());
    expect(await client.next()).toMatchObject({ event: 'alert' });
    await client.close();
  });
});
