import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform, secondsFromNow, tokenWith } from '../../support/app.js';
import { type ApiOperation, OpenApi } from '../../support/openapi.js';
import { OpenApiCaller } from '../../support/openapi-caller.js';
import { run } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const api = new OpenApi();
/** Those that end what the others are about. */
const LAST = ['resetTenantSettings', 'deleteProfile'];
/** Answer by a stream, or about something that is made anew each time. */
const APART = ['streamMetrics', 'closeConnection', ...LAST];

const each = (choose: (operation: ApiOperation) => boolean) =>
  api.operations.filter((operation) => !APART.includes(operation.id) && choose(operation));
const reading = each(({ method }) => method === 'GET');
const writing = each(({ method }) => method !== 'GET');
const lists = reading.filter(
  ({ id, parameters }) => id !== 'showHistory' && parameters.some(({ name }) => name === 'cursor'),
);
const guarded = api.operations.filter(({ role }) => role !== undefined);

describe.each<Platform>(['express', 'fastify'])('what is really answered on %s', (platform) => {
  let caller: OpenApiCaller;
  let client: WireClient;
  beforeAll(async () => {
    caller = await OpenApiCaller.on(api, platform, { updateInterval: 0.1, maxFailedAuthentications: 0 });
    // Before the tenant is put on it.
    expect(await caller.tryExamples(api.operation('createProfile'))).toEqual([201, 201]);
    client = await WireClient.open(caller.app.url(`/ws/metrics?token=${caller.token('viewer')}`, 'ws'));
    await findAnomaly();
  });
  afterAll(async () => {
    await client.close();
    await caller.close();
  });

  /** The examples name a skill; here its runs fail that had not failed before. */
  const findAnomaly = async () => {
    const runs = (completed: boolean, hoursAgo: number) =>
      Array.from({ length: 10 }, () => run('pytest-run', { completed, timestamp: secondsFromNow(-3600 * hoursAgo) }));
    const watcher = await WireClient.open(caller.app.url(`/ws/skills?token=${caller.token('viewer')}`, 'ws'));
    const body = [...runs(true, 3), ...runs(false, 0)];
    expect((await caller.call(api.operation('recordSkills'), { body })).status).toBe(202);
    await watcher.find(({ data }) => (data as { anomalies?: unknown[] } | undefined)?.anomalies?.length === 1);
    await watcher.close();
  };

  /** Each test answers for its own calls. */
  const check = () => expect(caller.differences.splice(0)).toEqual([]);

  it.each(writing.filter(({ id }) => id !== 'createProfile'))('$route takes its examples', async (operation) => {
    for (const status of await caller.tryExamples(operation)) expect([200, 201, 202]).toContain(status);
    check();
  });

  it.each(reading)('$route shows what it says, and is not sent again', async (operation) => {
    const { status, headers } = await caller.call(operation);
    expect(status).toBe(200);
    check();
    if (!operation.answers[304]) return;
    const known = await caller.call(operation, { headers: { 'if-none-match': headers.get('etag')! } });
    // Between the two some may have changed: what is of now.
    if (known.status !== 200) expect(known.status).toBe(304);
    else expect(known.headers.get('etag')).not.toBe(headers.get('etag'));
    check();
  });

  it.each(lists)('$route has items, in pages', async (operation) => {
    let query = 'limit=1';
    for (let page = 0; page < 2 && query; page++) {
      const { status, body } = await caller.call(operation, { query });
      const { items, next_cursor: cursor } = body as { items: unknown[]; next_cursor: string | null };
      expect([status, items.length]).toEqual([200, 1]);
      query = cursor === null ? '' : `limit=1&cursor=${cursor}`;
    }
    expect((await caller.call(operation, { query: 'limit=0&cursor=x' })).status).toBe(400);
    check();
  });

  it('shows the last message of every channel', async () => {
    const { body } = await caller.call(api.operation('listChannels'), { query: 'limit=1000' });
    const channels = (body as { items: { channel: string; kind: string }[] }).items;
    expect(new Set(channels.map(({ kind }) => kind))).toEqual(new Set(['state', 'samples', 'events']));
    for (const { channel } of channels) {
      const { status } = await caller.call(api.operation('showLatestMessage'), { values: { channel } });
      expect([channel, status]).toEqual([channel, 200]);
    }
    check();
  });

  it('shows the history of every channel, as it was recorded and in windows', async () => {
    const { body } = await caller.call(api.operation('listChannels'), { query: 'limit=1000' });
    let shown = 0;
    for (const { channel, kind } of (body as { items: { channel: string; kind: string }[] }).items) {
      for (const interval of kind === 'events' ? [''] : ['', '&aggregation_interval=1m']) {
        const call = { values: { channel }, query: `start_time=0${interval}` };
        const { status, body: page } = await caller.call(api.operation('showHistory'), call);
        expect([channel, status]).toEqual([channel, 200]);
        shown += (page as { metrics: unknown[] }).metrics.length;
      }
    }
    expect(shown).toBeGreaterThan(5);
    check();
  });

  it.each(guarded)('$route refuses who has no token, or not the role', async (operation) => {
    // A role by which nobody may do anything else.
    const poor = caller.token(operation.role === 'ingest' ? 'viewer' : 'ingest');
    const [none, forged, other] = [
      await caller.call(operation, { token: null }),
      await caller.call(operation, { token: tokenWith({}, 'a secret that is not the secret of it') }),
      await caller.call(operation, { token: poor }),
    ];
    expect([none.status, forged.status, other.status]).toEqual([401, 401, 403]);
    check();
  });

  it.each(guarded.filter(({ parameters }) => parameters.some((one) => one.in === 'path')))(
    '$route does not know what is not there',
    async (operation) => {
      const values = { tenantId: 'globex', name: 'nobody', channel: 'nobody.metrics', id: 'nobody' };
      // An operator may enter every tenant.
      const token = operation.path.includes('{tenantId}') ? caller.token('admin') : undefined;
      const body = operation.body && { collection_interval_seconds: 1 };
      expect((await caller.call(operation, { values, token, body })).status).toBe(404);
      check();
    },
  );

  it.each(guarded.filter(({ body }) => body))('$route refuses bodies that are none', async (operation) => {
    const bad = [
      await caller.call(operation, { body: 'not JSON' }),
      await caller.call(operation, { body: 'text', headers: { 'content-type': 'text/plain' } }),
      await caller.call(operation, { body: `"${'x'.repeat(5 * 1024 * 1024)}"` }),
      await caller.call(operation, { body: { [operation.role === 'ingest' ? 'skill_name' : 'colour']: 1 } }),
    ];
    expect(bad.map(({ status }) => status)).toEqual([400, 415, 413, 400]);
    check();
  });

  it('has conflicts of profiles', async () => {
    const [create, replace, remove] = ['createProfile', 'replaceProfile', 'deleteProfile'].map((id) =>
      api.operation(id),
    );
    const body = { name: 'realtime', collection_interval_seconds: 1 };
    const values = { name: 'disabled' };
    await caller.call(api.operation('changeTenantSettings'), { body: { performance_profile: 'realtime' } });
    const conflicts = [
      await caller.call(create!, { body }),
      await caller.call(replace!, { values, body: { collection_interval_seconds: 1 } }),
      await caller.call(remove!, { values }),
      await caller.call(remove!),
    ];
    expect(conflicts.map(({ status }) => status)).toEqual([409, 409, 409, 409]);
    check();
  });

  it('sends a client away', async () => {
    const { body } = await caller.call(api.operation('listConnections'));
    const [{ id }] = (body as { items: [{ id: string }] }).items;
    expect((await caller.call(api.operation('closeConnection'), { values: { id } })).status).toBe(204);
    check();
  });

  it('gives up what the examples were about', async () => {
    for (const id of LAST) expect([200, 204]).toContain((await caller.call(api.operation(id))).status);
    check();
  });
});

it('says when somebody has asked too often', async () => {
  const caller = await OpenApiCaller.on(api, 'express', { maxRequestsPerMinute: 1 });
  try {
    const skills = api.operation('listSkills');
    expect([(await caller.call(skills)).status, (await caller.call(skills)).status]).toEqual([200, 429]);
    expect(caller.differences).toEqual([]);
  } finally {
    await caller.close();
  }
});
