import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../support/app.js';
import { RestClient } from '../support/rest-client.js';
import { NOT_FOUND } from '../support/rest-reader.js';
import { TestTenant, alert, completion, decision, gauge, run, usage } from '../support/test-tenant.js';
import { WireClient } from '../support/wire-client.js';

/** In every name that is sent; no refusal may hold it. */
const MARK = 'm4rk';
/** What no name has, and no text that is recorded. */
const UNPRINTABLE = {
  'an end of line': `${MARK}\r\nX-Injected: yes`,
  'a line feed': `${MARK}\nevent: metrics`,
  NUL: `${MARK}\0`,
  'an escape of terminals': `${MARK}\u001b[2J`,
  'what turns the direction of reading': `\u202e${MARK}`,
  'an isolate of a direction': `${MARK}\u2066`,
  'a line separator': `${MARK}\u2028`,
  'half of a surrogate pair': `${MARK}\ud800`,
  '10,000 characters': MARK.padEnd(10_000, 'x'),
};
/** What means something to a store, a shell or a language, and is a text as any other here. */
const MEANINGFUL = {
  'a glob': `${MARK}*`,
  'a glob for one character': `${MARK.slice(0, -1)}?`,
  'a glob for a range': `m4[a-z]k`,
  'an escaped glob': `${MARK}\\*`,
  'a colon': `${MARK}:${MARK}`,
  'a path': `../${MARK}`,
  'a wildcard of SQL': `${MARK.slice(0, -1)}%`,
  'a statement of SQL': `${MARK}'; DROP TABLE metricast_skill; --`,
  'a condition of SQL': `${MARK}' OR '1'='1`,
  'a parameter of SQL': ':tag0',
  'the end of a JSON text': `${MARK}","shop":"${MARK}`,
  'a template': `\${${MARK}}{{${MARK}}}%s`,
  markup: `<img src=x onerror=alert("${MARK}")>`,
  'a space at its end': `${MARK} `,
  'a character that looks like another': `m4rｋ`,
};
/** What may be in names, and is in another one something else. */
const LOOKALIKE = {
  'a wildcard of SQL that is a letter of names': `${MARK.slice(0, -1)}_`,
  'other letters': MARK.toUpperCase(),
};

describe('a name', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    const eventTypes = { 'deploys.events': [MARK] };
    app = await TestApp.start({
      auth: { secret: SECRET },
      updateInterval: 0.1,
      eventTypes,
      maxFailedAuthentications: 0,
    });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const expectNothingOf = (answer: unknown) => expect(JSON.stringify(answer)).not.toMatch(/m4/i);

  describe.each(Object.entries({ ...UNPRINTABLE, ...MEANINGFUL }))('with %s', (_what, text) => {
    // There is one that it could be taken for.
    const channel = `${text}.metrics`;

    it('is not that of a channel: nothing is shown of it, or of any other', async () => {
      await tenant.create(`${MARK}.metrics`);
      const client = await tenant.watch();
      client.send({ type: 'subscribe', data: { channels: [channel] } });
      const error = await client.next();
      expect(error).toEqual({
        type: 'error',
        message: 'Invalid subscription: unknown channel',
        code: 'unknown_channel',
      });
      expect(await client.next()).toMatchObject({ type: 'subscribed', channels: [] });
      client.send({ type: 'presence', data: { channel } });
      expect(await client.next()).toEqual(error);
      client.send({ type: 'unsubscribe', channels: [channel] });
      expect(await client.next()).toMatchObject({ type: 'unsubscribed', channels: [] });
      await tenant.record('metrics', gauge(`${MARK}.metrics`));

      expect(await client.settled()).toEqual([]);
      await client.close();
    });

    it('is not that of a channel in an address', async () => {
      await tenant.create(`${MARK}.metrics`);
      const path = `/channels/${encodeURIComponent(Buffer.from(channel).toString())}/latest`;
      const { status, body } = await new RestClient(app, { tenant_id: tenant.id }).get(path);

      expect({ status, body }).toEqual(NOT_FOUND);
    });

    it('is not that of a channel which is recorded in', async () => {
      const answer = await tenant.record('metrics', gauge(channel));

      expect(answer.status).toBe(400);
      expectNothingOf(answer.body);
    });

    it('is not that of a type of events', async () => {
      const client = await tenant.watchWorkspace();
      client.send({ type: 'subscribe', event_types: [text] });
      const error = await client.next();

      expect(error).toMatchObject({ event: 'error', code: 'unknown_event_type' });
      expectNothingOf(error);
      expect(await client.next()).toMatchObject({ event: 'subscribed', event_types: [] });
      await client.close();
    });

    it('is not that of a tag', async () => {
      const client = await tenant.watch();
      const error = await client.subscribe(['alerts.events'], { tags: { [text]: 'x' } });
      const recorded = await tenant.record('metrics', gauge('orders.metrics', { tags: { [text]: 'x' } }));

      expect([error['code'], recorded.status]).toEqual(['bad_subscription', 400]);
      expectNothingOf([error, recorded.body]);
      await client.close();
    });

    it('is not that of a tenant which the token has not: as for any other, in whatever place', async () => {
      const named = encodeURIComponent(Buffer.from(text).toString());
      const admin = new RestClient(app, { tenant_id: tenant.id, roles: ['admin'] });
      const answers = [
        await admin.get(`/skills?tenant_id=${named}`),
        await admin.get(`/admin/connections?workspace_id=${named}`),
        await admin.post(`/ingest/skills?workspaceId=${named}`, run('lint')),
      ];
      const message = 'No access to workspace';
      for (const { status, body } of answers) {
        expect({ status, body }).toEqual({ status: 403, body: { statusCode: 403, code: 'no_tenant_access', message } });
      }
      const { status, body } = await admin.get(`/admin/tenants/${named}/settings`);
      expect({ status, body }).toEqual(NOT_FOUND);
    });

    it('is not that of a tenant in a token', async () => {
      const token = tenant.token({ tenant_id: text });
      const refused = await tenant.record('skills', run('lint'), token);
      const client = await WireClient.open(app.url(`/ws/metrics?token=${token}`, 'ws'));

      expect(refused).toMatchObject({ status: 401, body: { message: 'Invalid authentication token' } });
      expect(await client.next()).toMatchObject({ message: 'Invalid authentication token' });
      expect(await client.closed).toMatchObject({ code: 4401 });
    });
  });

  it.each(Object.entries(UNPRINTABLE))('or a text with %s is not recorded', async (_what, text) => {
    const answers = [
      await tenant.record('metrics', gauge('orders.metrics', { name: text })),
      await tenant.record('metrics', gauge('orders.metrics', { tags: { shop: text } })),
      await tenant.record('skills', run(text)),
      await tenant.record('skills', run('lint', { id: text })),
      await tenant.record('usage', usage({ tool_id: text })),
      await tenant.record('usage', usage({ session_id: text })),
      await tenant.record('decisions', decision({ strategy: text })),
      await tenant.record('decisions', decision({ provider: text })),
      await tenant.record('decisions', decision({ model: text })),
      await tenant.record('executions', completion(text)),
      await tenant.record('executions', completion('run', { agent_id: text })),
      await tenant.record('executions', completion('run', { user_id: text })),
      await tenant.record('alerts', alert({ type: text })),
    ];

    for (const { status, body } of answers) {
      expect(status).toBe(400);
      expectNothingOf(body);
    }
  });

  it.each(Object.entries(UNPRINTABLE))('with %s can be asked for nowhere', async (_what, text) => {
    const client = await tenant.watch();
    const errors = [await client.subscribe(['alerts.events'], { tags: { shop: text } })];
    await client.close();
    const [skills, tools] = [await tenant.watchSkills(), await tenant.watchTools()];
    skills.send({ type: 'subscribe', skill: text });
    errors.push(await skills.next({ type: 'error' }));
    tools.send({ type: 'subscribe', tool_id: text });
    errors.push(await tools.next({ type: 'error' }));
    tools.send({ type: 'subscribe', session_id: text });
    errors.push(await tools.next({ type: 'error' }));
    await Promise.all([skills.close(), tools.close()]);
    const path = `/skills/${encodeURIComponent(Buffer.from(text).toString())}`;
    const { status, body } = await new RestClient(app, { tenant_id: tenant.id }).get(path);

    expect({ status, body }).toEqual(NOT_FOUND);
    expect(errors).toHaveLength(4);
    expectNothingOf(errors);
  });

  describe.each(Object.entries({ ...MEANINGFUL, ...LOOKALIKE }))('with %s is nothing but a name', (_what, text) => {
    it('of a skill', async () => {
      await tenant.record('skills', [run(MARK), run(text), run(text), run('lint')]);
      const client = await tenant.watchSkills();
      client.send({ type: 'subscribe', skill: text });
      await client.next({ type: 'subscription_confirmed', skill: text });
      const { data } = await client.next({ type: 'metrics_update' });
      const { body } = await new RestClient(app, { tenant_id: tenant.id }).get(`/skills/${encodeURIComponent(text)}`);

      expect(data).toMatchObject({ top_skills: [{ skill_name: text, total_invocations: 2 }] });
      expect(body).toMatchObject({ skill_name: text, total_invocations: 2 });
      await client.close();
    });

    it('of a value of a tag, for subscribers, for a token’s filter, and for what is stored', async () => {
      const points = [MARK, text, 'north'].map((shop, value) => gauge('orders.metrics', { value, tags: { shop } }));
      await tenant.record('metrics', points);
      const [asking, limited] = [
        await tenant.watch(),
        await tenant.watch('JSON', tenant.token({ filter: { shop: text } })),
      ];
      await asking.subscribe(['orders.metrics'], { tags: { shop: text } });
      await limited.subscribe(['orders.metrics']);
      await tenant.record('metrics', points);
      const latest = await new RestClient(app, { tenant_id: tenant.id, filter: { shop: text } }).get(
        '/channels/orders.metrics/latest',
      );

      for (const client of [asking, limited]) {
        expect((await client.settled()).map(({ value, tags }) => [value, tags])).toEqual([[1, { shop: text }]]);
        await client.close();
      }
      expect(latest.body).toMatchObject({ value: 1, tags: { shop: text } });
    });

    it('of a tool, and of a session', async () => {
      await tenant.record('usage', [
        usage({ tool_id: MARK, session_id: MARK, count: 1 }),
        usage({ tool_id: text, session_id: MARK, count: 2 }),
        usage({ tool_id: MARK, session_id: text, count: 4 }),
      ]);
      for (const [query, total] of [
        [`tool_id=${encodeURIComponent(text)}`, 2],
        [`session_id=${encodeURIComponent(text)}`, 4],
      ] as const) {
        const client = await tenant.watchTools(query);
        expect(await client.next({ type: 'metrics' })).toMatchObject({
          data: { embeddings: { mlx_metrics: { total_embeddings: total } } },
        });
        await client.close();
      }
    });

    it('of a strategy, a provider, an execution and an agent', async () => {
      await tenant.record('decisions', decision({ strategy: text, provider: text }));
      const workspace = await tenant.watchWorkspace();
      await workspace.subscribe('execution_completed');
      await tenant.record('executions', completion(text, { agent_id: text }));
      const { body } = await new RestClient(app, { tenant_id: tenant.id }).get('/routing/metrics');

      expect(Object.keys(body['strategy_performance'] as object)).toEqual([text]);
      expect(body['provider_usage']).toEqual({ [text]: 1 });
      expect(await workspace.next({ event: 'execution_completed' })).toMatchObject({
        data: { run_id: text, agent_id: text },
      });
      await workspace.close();
    });
  });
});
