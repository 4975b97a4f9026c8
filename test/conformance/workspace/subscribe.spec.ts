import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, alert, completion } from '../../support/test-tenant.js';
import type { WorkspaceClient } from '../../support/workspace-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const BUILT_IN = ['alert', 'execution_completed', 'execution_started', 'metrics_update'];

describe('subscriptions of the workspace dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: WorkspaceClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET } });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    client = await tenant.watchWorkspace();
    return () => client.close();
  });

  /** A start, an end and an alert; resolves with the types of what came of it. */
  const typesReceived = async () => {
    await tenant.record('executions', [completion('run-1', { status: 'started' }), completion('run-1')]);
    await tenant.record('alerts', alert());
    const received = await client.settled();
    return received.map(({ event }) => event).filter((event) => event !== 'metrics_update');
  };

  it('are acknowledged with the whole set, sorted', async () => {
    client.send({ type: 'subscribe', event_types: ['metrics_update', 'execution_started'] });
    expect(await client.next()).toEqual({
      event: 'subscribed',
      event_types: ['execution_started', 'metrics_update'],
      timestamp: ISO,
    });

    expect((await client.subscribe('execution_completed', 'alert'))['event_types']).toEqual(BUILT_IN);
    // Once more adds nothing.
    expect((await client.subscribe('alert', 'alert'))['event_types']).toEqual(BUILT_IN);
    expect((await client.subscribe())['event_types']).toEqual(BUILT_IN);
  });

  it('bring the subscribed types alone', async () => {
    await client.subscribe('execution_completed');
    expect(await typesReceived()).toEqual(['execution_completed']);
  });

  it('of a type that is named twice, in one frame or in two, bring each event once', async () => {
    await client.subscribe('execution_started', 'execution_started', 'alert');
    await client.subscribe('alert', 'execution_started');

    expect(await typesReceived()).toEqual(['execution_started', 'alert']);
  });

  it('are told of each unknown type by its name, and the known ones of the frame are subscribed', async () => {
    client.send({ type: 'subscribe', event_types: ['nope', 'alert', 'Never.seen-before_1'] });

    const unknown = { event: 'error', code: 'unknown_event_type', timestamp: ISO };
    expect(await client.next()).toEqual({ ...unknown, error: 'Unknown event type nope' });
    expect(await client.next()).toEqual({ ...unknown, error: 'Unknown event type Never.seen-before_1' });
    expect(await client.next()).toMatchObject({ event: 'subscribed', event_types: ['alert'] });
    expect(await typesReceived()).toEqual(['alert']);
  });

  it.each(['', 'a b', '1st', 'a\nb', '<script>', '*', 'x'.repeat(65), 'größe', '__proto__'])(
    'do not repeat a name that can be none: %j',
    async (type) => {
      client.send({ type: 'subscribe', event_types: [type, 'alert'] });

      expect(await client.next()).toEqual({
        event: 'error',
        error: 'Unknown event type',
        code: 'unknown_event_type',
        timestamp: ISO,
      });
      expect(await client.next()).toMatchObject({ event: 'subscribed', event_types: ['alert'] });
    },
  );

  it.each(['constructor', 'toString', 'hasOwnProperty'])('know no type of the name %s', async (type) => {
    client.send({ type: 'subscribe', event_types: [type] });

    expect(await client.next()).toMatchObject({ event: 'error', error: `Unknown event type ${type}` });
    expect(await client.next()).toMatchObject({ event: 'subscribed', event_types: [] });
  });

  it.each(['ALERT', 'Alert', 'alerts.events', 'connected', 'subscribed', 'error', 'pong'])(
    'know no type %s either: not in other letters, no channel, no word of the dialect',
    async (type) => {
      client.send({ type: 'subscribe', event_types: [type] });

      expect(await client.next()).toMatchObject({ code: 'unknown_event_type' });
    },
  );

  it.each([undefined, null, 'alert', 7, true, {}, { 0: 'alert' }, [7], ['alert', null], [['alert']]])(
    'are refused where the types are no list of names, and stay as they were: %j',
    async (types) => {
      await client.subscribe('execution_started');
      client.send({ type: 'subscribe', ...(types !== undefined && { event_types: types }) });

      expect(await client.next()).toEqual({
        event: 'error',
        error: 'Subscription error: event_types must be a list of event types',
        code: 'bad_subscription',
        timestamp: ISO,
      });
      expect(await typesReceived()).toEqual(['execution_started']);
    },
  );

  describe('end', () => {
    beforeEach(async () => {
      await client.subscribe(...BUILT_IN);
    });

    it('for the types named, acknowledged with those left', async () => {
      client.send({ type: 'unsubscribe', event_types: ['execution_started', 'metrics_update'] });

      expect(await client.next({ event: 'unsubscribed' })).toEqual({
        event: 'unsubscribed',
        event_types: ['alert', 'execution_completed'],
        timestamp: ISO,
      });
      expect(await typesReceived()).toEqual(['execution_completed', 'alert']);
    });

    it.each([{}, { event_types: null }])('for all where none is named: %j', async (fields) => {
      client.send({ type: 'unsubscribe', ...fields });

      expect(await client.next({ event: 'unsubscribed' })).toMatchObject({ event_types: [] });
      expect(await typesReceived()).toEqual([]);
    });

    it('for none where the list is empty, or names what is not subscribed', async () => {
      expect((await client.unsubscribe())['event_types']).toEqual(BUILT_IN);
      expect((await client.unsubscribe('nope', '', 'alert', 'alert'))['event_types']).toEqual(
        BUILT_IN.filter((type) => type !== 'alert'),
      );
    });

    it.each(['alert', 7, {}, [7], [['alert']]])('for none where the types are no list of names: %j', async (types) => {
      client.send({ type: 'unsubscribe', event_types: types });

      expect(await client.next({ event: 'error' })).toMatchObject({ code: 'bad_subscription' });
      expect((await client.unsubscribe())['event_types']).toEqual(BUILT_IN);
    });

    it('and can begin anew', async () => {
      await client.unsubscribe(...BUILT_IN);
      await client.subscribe('alert');

      expect(await typesReceived()).toEqual(['alert']);
    });
  });

  it('are each connection’s own', async () => {
    const other = await tenant.watchWorkspace();
    await client.subscribe('alert');
    await other.subscribe('execution_started');
    await other.unsubscribe('alert');

    expect(await typesReceived()).toEqual(['alert']);
    expect((await other.settled()).map(({ event }) => event)).toEqual(['execution_started']);
    await other.close();
  });
});
