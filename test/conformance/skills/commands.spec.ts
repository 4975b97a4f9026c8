import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, run } from '../../support/test-tenant.js';
import type { WireClient, WireMessage } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const skillsIn = ({ data }: WireMessage) =>
  (data as { top_skills: { skill_name: string }[] }).top_skills.map(({ skill_name }) => skill_name);

describe('the commands of the skills dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  let client: WireClient;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.record('skills', [run('lint'), run('test')]);
    client = await tenant.watchSkills();
    return () => client.close();
  });

  const subscribe = async (skill?: string | null) => {
    client.send({ type: 'subscribe', ...(skill !== undefined && { skill }) });
    return client.next({ type: 'subscription_confirmed' });
  };
  const update = () => client.next({ type: 'metrics_update' });

  it('subscribe to one skill, whose updates follow', async () => {
    expect(await subscribe('lint')).toEqual({ type: 'subscription_confirmed', skill: 'lint', timestamp: ISO });
    // Nothing is left of the subscription to all.
    for (let time = 0; time < 3; time++) expect(skillsIn(await update())).toEqual(['lint']);
  });

  it.each([null, undefined])('subscribe to all by the skill %s, echoed as null', async (skill) => {
    await subscribe('lint');

    expect(await subscribe(skill)).toEqual({ type: 'subscription_confirmed', skill: null, timestamp: ISO });
    expect(skillsIn(await update())).toEqual(['lint', 'test']);
  });

  it('subscribe instead of what was subscribed to before', async () => {
    await subscribe('lint');
    await subscribe('test');

    for (let time = 0; time < 3; time++) expect(skillsIn(await update())).toEqual(['test']);
  });

  it('subscribe to any skill, not only the ten most used', async () => {
    const busy = Array.from({ length: 10 }, (_, at) => `busy-${at}`);
    await tenant.record(
      'skills',
      busy.flatMap((skill) => [run(skill), run(skill)]),
    );
    await subscribe('lint');

    expect(skillsIn(await update())).toEqual(['lint']);
  });

  it('subscribe to a skill that was never seen: the lists are empty until it runs', async () => {
    expect(await subscribe('größe ändern')).toMatchObject({ skill: 'größe ändern' });
    expect((await update())['data']).toEqual({ top_skills: [], anomalies: [] });

    await tenant.record('skills', run('größe ändern'));
    await client.find((message) => message['type'] === 'metrics_update' && skillsIn(message).length === 1);
  });

  it('unsubscribe: updates stop, until the next subscribe', async () => {
    const other = await tenant.watchSkills();
    client.send({ type: 'unsubscribe' });
    expect(await client.next({ type: 'unsubscribed' })).toEqual({ type: 'unsubscribed', timestamp: ISO });

    for (let time = 0; time < 3; time++) await other.next({ type: 'metrics_update' });
    client.send({ type: 'ping' });
    expect(await client.next()).toEqual({ type: 'pong' });

    await subscribe();
    await update();
    await other.close();
  });

  it('unsubscribe twice as well as once', async () => {
    client.send({ type: 'unsubscribe' });
    client.send({ type: 'unsubscribe' });
    await client.next({ type: 'unsubscribed' });

    expect(await client.next()).toMatchObject({ type: 'unsubscribed' });
  });

  it('ping: the answer is exactly pong', async () => {
    client.send({ type: 'ping' });

    expect(await client.next({ type: 'pong' })).toEqual({ type: 'pong' });
  });

  it('are answered in their order', async () => {
    client.send({ type: 'subscribe', skill: 'lint' });
    client.send({ type: 'ping' });
    client.send({ type: 'unsubscribe' });

    const received = await client.upTo({ type: 'unsubscribed' });

    expect(received.map(({ type }) => type).filter((type) => type !== 'metrics_update')).toEqual([
      'subscription_confirmed',
      'pong',
      'unsubscribed',
    ]);
  });

  it.each([7, '', ['lint'], { name: 'lint' }, true, 'x'.repeat(201), 'a\u0000b'])(
    'refuse to subscribe to %j, and leave the subscription as it was',
    async (skill) => {
      await subscribe('test');
      client.send({ type: 'subscribe', skill });

      expect(await client.next({ type: 'error' })).toEqual({
        type: 'error',
        message: 'Subscription error: skill must be a printable text of at most 200 characters, or null',
        timestamp: ISO,
      });
      expect(skillsIn(await update())).toEqual(['test']);
    },
  );

  it.each([
    { frame: '{"type":"subscribe"', message: 'Invalid message: not a JSON object' },
    { frame: '', message: 'Invalid message: not a JSON object' },
    { frame: '"ping"', message: 'Invalid message: not a JSON object' },
    { frame: '[{"type":"ping"}]', message: 'Invalid message: not a JSON object' },
    { frame: 'null', message: 'Invalid message: not a JSON object' },
    { frame: '{"type":"get_history"}', message: 'Unknown message type' },
    { frame: '{"type":"metrics_update"}', message: 'Unknown message type' },
    { frame: '{"type":null}', message: 'Unknown message type' },
    { frame: '{}', message: 'Unknown message type' },
    // Too late for a token, and no change of who this is.
    { frame: '{"token":"x"}', message: 'Unknown message type' },
  ])('do not include $frame: an error, and updates go on', async ({ frame, message }) => {
    client.sendRaw(frame);

    expect(await client.next({ type: 'error' })).toEqual({ type: 'error', message, timestamp: ISO });
    expect(skillsIn(await update())).toEqual(['lint', 'test']);
  });
});
