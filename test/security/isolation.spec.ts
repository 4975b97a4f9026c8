import { afterAll, beforeAll, expect, it } from 'vitest';
import { SECRET, TestApp, tokenWith } from '../support/app.js';
import { ChannelsClient } from '../support/channels-client.js';
import { MarkedReader, MarkedTenant } from '../support/marked-reader.js';
import { RestClient } from '../support/rest-client.js';
import { SseClient } from '../support/sse-client.js';
import { completion, decision, gauge, run, usage } from '../support/test-tenant.js';
import { WireClient } from '../support/wire-client.js';

const TENANTS = 50;
const BATCHES = 4;
const SAMPLES_A_BATCH = 50;
const SAMPLES = BATCHES * SAMPLES_A_BATCH;
/** The same for all: whose is what, no name tells. */
const CHANNELS = ['orders.metrics', 'alerts.events', 'executions.events'];
const EVENT_TYPES = ['execution_started', 'execution_completed', 'metrics_update', 'alert'];
const MIB = 1_048_576;

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start({ auth: { secret: SECRET } });
});
afterAll(() => app.close());

/** Those of a tenant who are sent each value, and those who are sent its states and events. */
interface Readers {
  readonly ofSamples: readonly MarkedReader[];
  readonly ofStates: readonly MarkedReader[];
}

it(`${TENANTS} tenants of 20 clients see nothing of each other`, { timeout: 60_000 }, async () => {
  const tenants = Array.from({ length: TENANTS }, (_, number) => new MarkedTenant(number));
  const readers = await Promise.all(tenants.map(connect));
  await Promise.all(tenants.map(recordAndRead));
  for (const { ofSamples, ofStates } of readers) {
    for (const reader of ofSamples) await reader.until('samples', SAMPLES);
    // The first may be the greeting alone, which names the tenant in some dialects.
    for (const reader of ofStates) await reader.until('telling', 2);
  }

  const all = readers.flatMap(({ ofSamples, ofStates }) => [...ofSamples, ...ofStates]);
  expect(all).toHaveLength(20 * TENANTS);
  expect(all.reduce((sum, { messages }) => sum + messages, 0)).toBeGreaterThan(100_000);
  for (const { ofSamples } of readers) {
    expect(ofSamples.map(({ samples }) => samples)).toEqual(ofSamples.map(() => SAMPLES));
  }
  for (const tenant of tenants) {
    expect(tenant.foreign).toEqual([]);
    expect(tenant.own).toBeGreaterThan(11 * SAMPLES);
  }
  expect(process.resourceUsage().maxRSS * 1024).toBeLessThan(1024 * MIB);
  await Promise.all(all.map(({ client }) => client.close()));
});

async function connect(tenant: MarkedTenant): Promise<Readers> {
  const token = tokenWith({ tenant_id: tenant.mark, sub: `reader of ${tenant.mark}` });
  const first = gauge('orders.metrics', { value: tenant.figure * 1000, tags: { shop: tenant.mark } });
  await app.post('/ingest/metrics', first, { authorization: `Bearer ${token}` });
  const reader = (client: WireClient | SseClient) => new MarkedReader(client, tenant);
  const socket = async (path: string) => reader(await WireClient.open(app.url(`${path}?token=${token}`, 'ws')));
  const stream = async (query: string) =>
    reader(await SseClient.open(app.url(`/stream/metrics?token=${token}&dialect=${query}`)));
  const channels = async (encoding: 'JSON' | 'MessagePack') => {
    const client = await ChannelsClient.open(app.url(`/ws/metrics?token=${token}`, 'ws'), encoding);
    tenant.look(client.welcome);
    expect(await client.subscribe(CHANNELS)).toMatchObject({ type: 'subscribed', channels: CHANNELS.toSorted() });
    return reader(client.wire);
  };
  const workspace = async () => {
    const client = await WireClient.open(app.url(`/ws?token=${token}`, 'ws'));
    client.send({ type: 'subscribe', event_types: EVENT_TYPES });
    tenant.look(await client.next({ event: 'subscribed' }));
    return reader(client);
  };
  const twice = <T>(open: () => Promise<T>) => [open(), open()];
  const asked = `channels&channels=${CHANNELS.join()}`;
  return {
    ofSamples: await Promise.all([
      ...['JSON', 'JSON', 'JSON', 'JSON', 'JSON'].map(() => channels('JSON')),
      ...['MessagePack', 'MessagePack', 'MessagePack', 'MessagePack'].map(() => channels('MessagePack')),
      ...twice(() => stream(asked)),
    ]),
    ofStates: await Promise.all([
      ...twice(workspace),
      ...twice(() => socket('/ws/skills')),
      ...twice(() => socket('/ws/tools')),
      ...twice(() => socket('/ws/routing')),
      stream('skills'),
    ]),
  };
}

/** Records all that can be recorded, changes the settings, and reads what there is to read, all at once. */
async function recordAndRead(tenant: MarkedTenant): Promise<void> {
  const { mark, figure, interval } = tenant;
  const client = new RestClient(app, { tenant_id: mark, sub: `recorder of ${mark}`, roles: ['admin', 'ingest'] });
  const post = async (what: string, items: unknown) => {
    const { status, body } = await client.post(`/ingest/${what}`, items);
    if (status !== 202) throw new Error(JSON.stringify(body));
  };
  const read = async (path: string) => {
    const { status, body } = await client.get(path);
    if (status !== 200) throw new Error(`${path}: ${JSON.stringify(body)}`);
    tenant.look(body);
  };
  const settings = `/admin/tenants/${mark}/settings`;
  const paths = [
    ...['/channels', '/channels/orders.metrics/latest', '/channels/alerts.events/latest', '/skills', `/skills/${mark}`],
    ...['/channels/tools.metrics/latest', '/channels/executions.events/latest', '/routing/metrics'],
    ...[`/settings/${mark}`, settings, '/admin/audit?limit=1000', '/admin/connections?limit=1000'],
  ];
  for (let batch = 0; batch < BATCHES; batch++) {
    const values = Array.from({ length: SAMPLES_A_BATCH }, (_, at) => figure * 1000 + batch * SAMPLES_A_BATCH + at);
    const id = `${mark}-${batch}`;
    await Promise.all([
      post(
        'metrics',
        values.map((value) => gauge('orders.metrics', { value, tags: { shop: mark } })),
      ),
      post(
        'skills',
        ['lint', mark].map((skill) => run(skill, { duration_seconds: figure })),
      ),
      post('usage', usage({ tool_id: mark, count: figure })),
      post('decisions', decision({ strategy: mark, provider: mark, cost: figure / 1e6 })),
      post('executions', [
        completion(id, { status: 'started', agent_id: mark }),
        completion(id, { agent_id: mark, runtime_seconds: figure, credits_consumed: figure }),
      ]),
      post('alerts', { type: mark, message: `of ${mark}`, priority: 'low' }),
      client
        .patch(settings, { collection_interval_seconds: interval, retention_days: figure })
        .then(({ body }) => tenant.look(body)),
    ]);
    // In turns, so that each is read while others record.
    await Promise.all(paths.filter((_, at) => at % BATCHES === batch).map(read));
  }
}
