import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Hub } from '../../../src/hub/index.js';
import { SECRET, TestApp } from '../../support/app.js';
import { TestTenant, alert, decision, gauge, run, usage } from '../../support/test-tenant.js';
import { WireClient, type WireMessage } from '../../support/wire-client.js';

const ISO = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/) as string;
const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string;

interface Spoken {
  readonly dialect: string;
  /** What a client of it asks for by its address. */
  readonly query: string;
  /** What it is sent before anything is published. */
  readonly greetings: (tenant: TestTenant) => object[];
  readonly channel: string;
  /** Whether a message is a publication of that channel. */
  readonly isPublication: (message: WireMessage) => boolean;
}

const SPOKEN: Spoken[] = [
  {
    dialect: 'tools',
    query: 'tool_id=claude-code',
    greetings: () => [
      {
        type: 'connected',
        message: 'WebSocket connection established',
        interval: 0.1,
        tool_id: 'claude-code',
        session_id: null,
      },
    ],
    channel: 'tools.metrics',
    isPublication: ({ type }) => type === 'metrics',
  },
  {
    dialect: 'skills',
    query: '',
    greetings: () => [
      {
        type: 'connected',
        message: 'Connected to Metricast real-time metrics',
        timestamp: ISO,
        authenticated: true,
      },
    ],
    channel: 'skills.metrics',
    isPublication: ({ type }) => type === 'metrics_update',
  },
  {
    dialect: 'routing',
    query: '',
    greetings: () => [],
    channel: 'routing.metrics',
    isPublication: (message) => 'total_decisions' in message,
  },
  {
    dialect: 'workspace',
    query: 'event_types=alert',
    greetings: ({ id }) => [
      { event: 'connected', connection_id: UUID, workspace_id: id, timestamp: ISO },
      { event: 'subscribed', event_types: ['alert'], timestamp: ISO },
    ],
    channel: 'alerts.events',
    isPublication: ({ event }) => event === 'alert',
  },
  {
    dialect: 'channels',
    query: 'channels=orders.metrics',
    greetings: ({ id }) => [
      {
        type: 'welcome',
        client_id: UUID,
        timestamp: expect.any(Number) as number,
        tenant_id: id,
        protocol: 'metricast.channels',
        heartbeat_interval: 30,
      },
      {
        type: 'subscribed',
        channels: ['orders.metrics'],
        positions: { 'orders.metrics': { epoch: UUID, offset: 1 } },
      },
    ],
    channel: 'orders.metrics',
    isPublication: ({ channel, name }) => channel === 'orders.metrics' && name !== undefined,
  },
];

describe.each(SPOKEN)('a stream of $dialect', ({ dialect, query, greetings, channel, isPublication }) => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    tenant = new TestTenant(app);
    await tenant.create('orders.metrics');
  });

  const open = () => tenant.stream(`dialect=${dialect}&${query}`);
  const openWebSocket = () =>
    WireClient.open(app.url(`/ws/metrics?dialect=${dialect}&${query}&token=${tenant.token()}`, 'ws'));
  /** Gives every dialect something to say. */
  const record = async () => {
    await tenant.record('usage', usage());
    await tenant.record('skills', run('lint'));
    await tenant.record('decisions', decision());
    await tenant.record('alerts', alert());
    await tenant.record('metrics', gauge('orders.metrics', { value: 7 }));
  };

  it('begins with how long to wait before connecting again, and is greeted as every client', async () => {
    const client = await open();
    const expected = greetings(tenant);
    for (const greeting of expected) {
      expect(await client.next()).toEqual({
        type: 'metrics',
        id: undefined,
        lines: 1,
        data: expect.any(String) as string,
        message: greeting,
      });
    }

    expect(client.response.headers['content-type']).toBe('text/event-stream');
    if (expected.length === 0) await client.next();
    expect(client.raw.startsWith('retry: 3000\n\n')).toBe(true);
    await client.close();
  });

  it('says of a publication what a WebSocket client of the dialect is told, in one line', async () => {
    const [client, webSocket] = [await open(), await openWebSocket()];
    for (let greeting = 0; greeting < greetings(tenant).length; greeting++) {
      await client.next();
      await webSocket.next();
    }
    await record();
    const { type, id, lines, data, message } = await client.find((event) => isPublication(event.message));

    expect(type).toBe('metrics');
    expect(id).toMatch(new RegExp(`^${channel}@[0-9a-f-]{36}:\\d+$`));
    expect(lines).toBe(1);
    const told = await webSocket.find(
      (one) => isPublication(one) && one['timestamp'] === message['timestamp'] && one['offset'] === message['offset'],
    );
    // To the byte, not only to the field.
    expect(data).toBe(JSON.stringify(told));
    await Promise.all([client.close(), webSocket.close()]);
  });

  it('is given the very same buffer as all who want the same', async () => {
    const clients = [await open(), await open(), await open()];
    for (const client of clients) {
      for (let greeting = 0; greeting < greetings(tenant).length; greeting++) await client.next();
    }
    const [first, ...others] = framesOf(app);
    await record();

    // What is shown to one alone who has just come is of its own; the next tick is for all.
    const isShared = (frame: Buffer) =>
      frame.includes(`id: ${channel}@`) && others.every((sent) => sent.includes(frame));
    await expect.poll(() => first!.some(isShared), { timeout: 10_000 }).toBe(true);
    await Promise.all(clients.map((client) => client.close()));
  });
});

/** Whatever is written to each connection from now on. */
function framesOf(app: TestApp): Buffer[][] {
  return [...app.app.get(Hub, { strict: false }).connections.values()].map(({ transport }) => {
    const sent: Buffer[] = [];
    const write = transport.write.bind(transport);
    transport.write = (frames) => {
      sent.push(frames);
      write(frames);
    };
    return sent;
  });
}
