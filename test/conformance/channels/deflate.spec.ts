import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type ClientOptions } from 'ws';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { deflatedJsonFraming } from '../../../src/transports/ws/framing.js';
import { SECRET, TestApp, tokenWith } from '../../support/app.js';
import { openBrowser } from '../../support/browser.js';
import { pythonPath } from '../../support/python.js';
import { TestTenant, alert, decision, gauge, run, usage } from '../../support/test-tenant.js';
import { type WireMessage } from '../../support/wire-client.js';
import { type Tapped, openTapped } from './tapped-client.js';

const RESPONSE = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
/** The first to ask for the browser may have to install it. */
const INSTALLING = 300_000;
/** Tags with which a value is worth compressing. */
const MANY_TAGS = Object.fromEntries(
  Array.from({ length: 20 }, (_, at) => [`shop-${at}`, `in the north, number ${at}`]),
);

const WITHOUT: ClientOptions = { perMessageDeflate: false };

describe('permessage-deflate', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, compression: true, updateInterval: 0.1 });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const url = (path = '/ws/metrics') => app.url(`${path}?token=${tenant.token()}`, 'ws');
  const subscribed = async (options: ClientOptions = {}, data: Record<string, unknown> = {}): Promise<Tapped> => {
    const tapped = await openTapped(url(), options);
    tapped.client.send({ type: 'subscribe', data: { channels: ['orders.metrics'], ...data } });
    await tapped.client.next({ type: 'subscribed' });
    return tapped;
  };

  describe('compresses once for all', () => {
    const value = () => gauge('orders.metrics', { value: 0.1, tags: MANY_TAGS });
    const received = ({ client }: Tapped) => client.next({ channel: 'orders.metrics', value: 0.1 });
    beforeEach(() => tenant.create('orders.metrics'));

    it('members of an audience get the same compressed bytes, of one compression', async () => {
      const members = [await subscribed(), await subscribed(), await subscribed()];
      const framing = vi.spyOn(deflatedJsonFraming, 'frame');
      onTestFinished(() => framing.mockRestore());
      await tenant.record('metrics', value());
      const messages = await Promise.all(members.map(received));
      const frames = members.map((member) => member.frames().at(-1)!);

      expect(messages[0]).toMatchObject({ tags: MANY_TAGS });
      expect(messages[1]).toEqual(messages[0]);
      expect(messages[2]).toEqual(messages[0]);
      expect(frames[0]).toMatchObject({ isCompressed: true, opcode: 1 });
      expect(frames[1]).toEqual(frames[0]);
      expect(frames[2]).toEqual(frames[0]);
      expect(
        framing.mock.calls.filter(([message]) => 'channel' in message && message.channel === 'orders.metrics'),
      ).toHaveLength(1);
    });

    it('who has not negotiated it, and who has asked for MessagePack, gets the same in a frame that it can read', async () => {
      const members = [
        await subscribed(),
        await subscribed(WITHOUT),
        await subscribed({}, { compression: true }),
        await subscribed(WITHOUT, { compression: true }),
      ];
      await tenant.record('metrics', value());
      const messages = await Promise.all(members.map(received));
      const frames = members.map((member) => member.frames().at(-1)!);

      for (const message of messages) expect(message).toEqual(messages[0]);
      expect(frames.map(({ isCompressed, opcode }) => ({ isCompressed, opcode }))).toEqual([
        { isCompressed: true, opcode: 1 },
        { isCompressed: false, opcode: 1 },
        { isCompressed: true, opcode: 2 },
        { isCompressed: false, opcode: 2 },
      ]);
      expect(frames[0]!.bytes.length).toBeLessThan(frames[1]!.bytes.length / 2);
    });

    it('a small message comes as it is, between others that are compressed', async () => {
      const { client, frames } = await subscribed();
      await tenant.record('metrics', [value(), gauge('orders.metrics', { value: 0.2 }), value()]);
      await client.next({ value: 0.2 });
      await client.next({ value: 0.1 });

      expect(
        frames()
          .slice(-3)
          .map(({ isCompressed }) => isCompressed),
      ).toEqual([true, false, true]);
    });

    it('a client that has asked for a window of 4 KB reads what is far longer', async () => {
      const { client, frames } = await openTapped(url(), { perMessageDeflate: { serverMaxWindowBits: 12 } });
      const channels = Array.from({ length: 100 }, (_, at) => `orders-${at}.of-the-shop-in-the-north.metrics`);
      await tenant.create(...channels);
      client.send({ type: 'subscribe', data: { channels } });

      expect((await client.next({ type: 'subscribed' }))['channels']).toEqual(channels.sort());
      expect(frames().at(-1)!.isCompressed).toBe(true);
    });
  });

  describe.each<[dialect: string, path: string, command: WireMessage, isShown: (message: WireMessage) => boolean]>([
    [
      'channels',
      '/ws/metrics',
      { type: 'subscribe', data: { channels: ['skills.metrics'] } },
      ({ channel }) => channel === 'skills.metrics',
    ],
    ['skills', '/ws/skills', { type: 'subscribe' }, ({ type }) => type === 'metrics_update'],
    ['tools', '/ws/tools', { type: 'subscribe' }, ({ type }) => type === 'metrics'],
    ['routing', '/ws/routing', { type: 'ping' }, (message) => 'total_decisions' in message],
    ['workspace', '/ws', { type: 'subscribe', event_types: ['alert'] }, ({ event }) => event === 'alert'],
  ])('in the dialect %s', (dialect, path, command, isShown) => {
    it('a client with it is shown what a client without it is', async () => {
      await tenant.record(
        'skills',
        ['lint', 'pytest-run', 'deploy-to-production'].map((skill) => run(skill)),
      );
      await tenant.record('usage', usage());
      await tenant.record(
        'decisions',
        ['hybrid', 'cheapest', 'fastest'].map((strategy) => decision({ strategy })),
      );
      const both = [await openTapped(url(path)), await openTapped(url(path), WITHOUT)];
      for (const { client } of both) client.send(command);
      if (dialect === 'workspace') for (const { client } of both) await client.next({ event: 'subscribed' });
      await tenant.record('alerts', alert({ message: 'over budget. '.repeat(20) }));
      const shown = await Promise.all(both.map(({ client }) => client.find(isShown)));
      const [compressed, plain] = shown.map((message) => ({ ...message, timestamp: 'some', offset: 'some' }));

      expect(compressed).toEqual(plain);
      expect(both[0]!.frames().some(({ isCompressed }) => isCompressed)).toBe(true);
      expect(both[1]!.frames().some(({ isCompressed }) => isCompressed)).toBe(false);
    });

    it('a refused client is told why', async () => {
      const { client } = await openTapped(app.url(`${path}?token=${tokenWith({ exp: 1 })}`, 'ws'));
      const refusal = await client.next();

      // Nobody makes the server inflate who is not known.
      expect(client.socket.extensions).toBe('');
      expect(JSON.stringify(refusal)).toContain('Invalid authentication token');
      expect((await client.closed).code).toBe(dialect === 'tools' ? 1008 : 4401);
    });
  });

  it('leaves what WebSocket itself sends as it is: pongs and the close', async () => {
    const { client, frames } = await openTapped(url());
    const pong = new Promise((resolve) => client.socket.once('pong', resolve));
    client.socket.ping('x'.repeat(100));
    expect(String(await pong)).toBe('x'.repeat(100));
    client.socket.close(1000);
    await client.closed;

    const control = frames().filter(({ opcode }) => opcode > 2);
    expect(control.map(({ opcode }) => opcode)).toContain(10);
    expect(control.at(-1)!.opcode).toBe(8);
    expect(control.some(({ isCompressed }) => isCompressed)).toBe(false);
  });

  it('works in a browser', { timeout: INSTALLING }, async () => {
    await tenant.create('orders.metrics');
    const browser = await openBrowser();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const outcome = page.evaluate(
      (address) =>
        new Promise((resolve) => {
          const socket = new WebSocket(address);
          const texts: string[] = [];
          const subscribe = { type: 'subscribe', data: { channels: ['orders.metrics', 'system.metrics'] } };
          socket.onopen = () => socket.send(JSON.stringify(subscribe));
          socket.onmessage = ({ data }) => {
            texts.push(String(data));
            if (String(data).includes('"cpu"')) resolve({ extensions: socket.extensions, texts });
          };
          socket.onclose = ({ code }) => resolve({ code, texts });
        }),
      url(),
    );

    expect(await outcome).toEqual({
      extensions: RESPONSE,
      texts: expect.arrayContaining([
        expect.stringContaining('"subscribed"'),
        expect.stringContaining('"cpu"'),
      ]) as string[],
    });
  });

  it('works with the websockets of Python, where they ask for a window of 4 KB', { timeout: INSTALLING }, async () => {
    const python = await pythonPath();
    const { stdout } = await promisify(execFile)(python, ['-c', PROGRAM, url()]);

    expect(JSON.parse(stdout)).toEqual({
      extensions: [expect.stringMatching(/^PerMessageDeflate\(.*remote_max_window_bits=12/)],
      message: expect.objectContaining({ channel: 'system.metrics' }) as unknown,
    });
  });
});

const PROGRAM = `
import asyncio, json, sys, websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

async def main():
    offer = ClientPerMessageDeflateFactory(server_max_window_bits=12)
    async with websockets.connect(sys.argv[1], extensions=[offer]) as socket:
        await socket.send(json.dumps({"type": "subscribe", "data": {"channels": ["system.metrics"]}}))
        async for text in socket:
            message = json.loads(text)
            if message.get("channel") == "system.metrics":
                print(json.dumps({"extensions": [repr(one) for one in socket.extensions], "message": message}))
                return

asyncio.run(main())
`;
