import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { SseClient } from '../../support/sse-client.js';
import { TestTenant, alert, completion, gauge, run, usage } from '../../support/test-tenant.js';

describe('what the address of a stream asks for', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1, tags: { env: 'test' } });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  it('is the dialect tools where it names none', async () => {
    const client = await tenant.stream();

    expect((await client.next()).message).toMatchObject({ type: 'connected', interval: 0.1 });
    expect((await client.next()).message).toMatchObject({ type: 'metrics' });
    await client.close();
  });

  it.each(['nothing', '', 'TOOLS', 'constructor', '__proto__', 'tools,skills'])(
    'cannot be the dialect "%s": 400, before the stream begins',
    async (dialect) => {
      const url = app.url(`/stream/metrics?token=${tenant.token()}&dialect=${dialect}`);

      expect(await SseClient.refusal(url)).toMatchObject({
        status: 400,
        headers: { 'content-type': expect.stringMatching(/^application\/json/) as string },
        body: { statusCode: 400, code: 'bad_request', message: 'Invalid request: no such dialect' },
      });
    },
  );

  describe('in tools', () => {
    it.each([
      { query: 'tool_id=grep', narrowing: { tool_id: 'grep', session_id: null }, total: 5 },
      { query: 'session_id=s1', narrowing: { tool_id: null, session_id: 's1' }, total: 3 },
      { query: 'tool_id=grep&session_id=s1', narrowing: { tool_id: 'grep', session_id: 's1' }, total: 1 },
    ])('is narrowed by $query', async ({ query, narrowing, total }) => {
      await tenant.record('usage', [
        usage({ tool_id: 'grep', session_id: 's1', count: 1 }),
        usage({ tool_id: 'sed', session_id: 's1', count: 2 }),
        usage({ tool_id: 'grep', session_id: 's2', count: 4 }),
      ]);
      const client = await tenant.stream(query);

      expect((await client.next()).message).toMatchObject({ type: 'connected', ...narrowing });
      for (let update = 0; update < 2; update++) {
        expect((await client.next()).message).toMatchObject({
          data: { embeddings: { mlx_metrics: { total_embeddings: total } } },
          ...narrowing,
        });
      }
      await client.close();
    });

    it('is an error after the greeting where it can be no id', async () => {
      const client = await tenant.stream('tool_id=a%0Aevent:%20metrics');
      await client.next({ type: 'connected' });

      expect(await client.next()).toMatchObject({
        type: 'error',
        id: undefined,
        message: { error: 'Subscription error: tool_id must be a printable text of at most 200 characters, or null' },
      });
      await client.close();
    });
  });

  describe('in skills', () => {
    it('is one skill by skill, and all without', async () => {
      await tenant.record('skills', [run('lint'), run('test')]);
      const [one, all] = [await tenant.stream('dialect=skills&skill=test'), await tenant.stream('dialect=skills')];
      const skillsIn = async (client: SseClient) => {
        const { data } = (await client.next({ type: 'metrics_update' })).message;
        return (data as { top_skills: { skill_name: string }[] }).top_skills.map(({ skill_name }) => skill_name);
      };

      expect(await skillsIn(one)).toEqual(['test']);
      expect(await skillsIn(all)).toEqual(['lint', 'test']);
      await Promise.all([one.close(), all.close()]);
    });
  });

  describe('in workspace', () => {
    it('is the types of events by event_types, of which an unknown one is told by name', async () => {
      const client = await tenant.stream('dialect=workspace&event_types=execution_completed,nope&event_types=alert');
      await client.next({ event: 'connected' });

      expect(await client.next()).toMatchObject({
        type: 'error',
        message: { event: 'error', error: 'Unknown event type nope', code: 'unknown_event_type' },
      });
      expect((await client.next()).message).toMatchObject({
        event: 'subscribed',
        event_types: ['alert', 'execution_completed'],
      });
      await tenant.record('executions', [completion('r', { status: 'started' }), completion('r')]);
      await tenant.record('alerts', alert());
      expect((await client.next()).message).toMatchObject({ event: 'execution_completed' });
      expect((await client.next()).message).toMatchObject({ event: 'alert' });
      await client.close();
    });

    it('may be metrics_update, which comes each tick', async () => {
      const client = await tenant.stream('dialect=workspace&event_types=metrics_update');
      const updates = [await client.next({ event: 'metrics_update' }), await client.next()];

      expect(updates.map(({ message }) => message['event'])).toEqual(['metrics_update', 'metrics_update']);
      await client.close();
    });

    it('is nothing but a greeting where it says nothing', async () => {
      const [silent, client] = [
        await tenant.stream('dialect=workspace'),
        await tenant.stream('dialect=workspace&event_types=alert'),
      ];
      await client.next({ event: 'subscribed' });
      await tenant.record('alerts', alert());
      await client.next({ event: 'alert' });

      expect((await silent.next()).message).toMatchObject({ event: 'connected' });
      expect(silent.unread).toEqual([]);
      await Promise.all([silent.close(), client.close()]);
    });
  });

  describe('in channels', () => {
    const stream = (parameters: Record<string, string>) =>
      tenant.stream(new URLSearchParams({ dialect: 'channels', ...parameters }).toString());

    it('is channels by name, of which an unknown one is an error and the others stream', async () => {
      await tenant.create('orders.metrics');
      const client = await stream({ channels: 'orders.metrics,nope.metrics,no channel,system.metrics' });
      await client.next({ type: 'welcome' });

      const unknown = { message: 'Invalid subscription: unknown channel', code: 'unknown_channel' };
      expect(await client.next()).toMatchObject({ type: 'error', message: { ...unknown, channel: 'nope.metrics' } });
      // What can be no name is not said again.
      const { type, message } = await client.next();
      expect(type).toBe('error');
      expect(message).toEqual({ type: 'error', ...unknown });
      expect((await client.next()).message).toMatchObject({
        type: 'subscribed',
        channels: ['orders.metrics', 'system.metrics'],
      });
      await tenant.record('metrics', gauge('orders.metrics', { value: 8 }));
      await client.next({ channel: 'orders.metrics', value: 8 });
      await client.next({ channel: 'system.metrics' });
      await client.close();
    });

    it('is what matches the tags, as JSON', async () => {
      await tenant.create('orders.metrics');
      const tags = JSON.stringify({ shop: ['north', 'west'], env: 'a' });
      const client = await stream({ channels: 'orders.metrics', tags });
      await client.next({ type: 'subscribed' });
      await tenant.record('metrics', [
        gauge('orders.metrics', { value: 1, tags: { shop: 'south', env: 'a' } }),
        gauge('orders.metrics', { value: 2, tags: { shop: 'west', env: 'a' } }),
        gauge('orders.metrics', { value: 3, tags: { shop: 'north', env: 'b' } }),
        gauge('orders.metrics', { value: 4, tags: { shop: 'north', env: 'a' } }),
      ]);

      expect((await client.next()).message).toMatchObject({ value: 2 });
      expect((await client.next()).message).toMatchObject({ value: 4 });
      await client.close();
    });

    it('is points where the format says so, all of a state with one id', async () => {
      const client = await stream({ channels: 'system.metrics', format: 'points' });
      const [cpu, memory] = [await client.next({ name: 'cpu.percent' }), await client.next({ name: 'memory.percent' })];

      expect(cpu.message).toMatchObject({ type: 'gauge', tags: { env: 'test' } });
      expect(memory.id).toBe(cpu.id);
      expect(cpu.id).toBe(`system.metrics@${cpu.id!.split(/[@:]/)[1]}:${String(cpu.message['offset'])}`);
      await client.close();
    });

    it.each<{ parameters: Record<string, string>; detail: string }>([
      { parameters: { tags: 'env=a' }, detail: 'tags must be an object' },
      { parameters: { tags: '["a"]' }, detail: 'tags must be an object' },
      { parameters: { tags: '{"env":7}' }, detail: 'a tag value must be a printable text or a list of them' },
      { parameters: { format: 'xml' }, detail: 'format must be "snapshot" or "points"' },
      {
        parameters: { channels: Array.from({ length: 129 }, (_, at) => `c${at}`).join(',') },
        detail: 'at most 128 channels a connection',
      },
    ])('is an error where it cannot be: $parameters', async ({ parameters, detail }) => {
      const client = await stream({ channels: 'system.metrics', ...parameters });
      await client.next({ type: 'welcome' });

      expect(await client.next()).toMatchObject({
        type: 'error',
        message: { type: 'error', message: `Subscription error: ${detail}`, code: 'bad_subscription' },
      });
      await client.close();
    });

    it('is numbered by the ids: the epoch of the acknowledgement, and the offset of each message', async () => {
      await tenant.create('orders.metrics');
      const client = await stream({ channels: 'orders.metrics' });
      const { positions } = (await client.next({ type: 'subscribed' })).message;
      const { epoch, offset } = (positions as Record<string, { epoch: string; offset: number }>)['orders.metrics']!;
      await tenant.record('metrics', [gauge('orders.metrics'), gauge('orders.metrics', { value: 2 })]);

      for (const number of [offset + 1, offset + 2]) {
        const { id, message } = await client.next();
        expect(message['offset']).toBe(number);
        expect(id).toBe(`orders.metrics@${epoch}:${number}`);
      }
      await client.close();
    });
  });
});
