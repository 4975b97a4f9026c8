import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { ENCODINGS } from '../../support/channels-client.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const HEARTBEAT = 0.2;

describe('the heartbeat of the channels dialect', () => {
  let app: TestApp;
  let tenant: TestTenant;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, heartbeatInterval: HEARTBEAT });
  });
  afterAll(() => app.close());
  beforeEach(() => {
    tenant = new TestTenant(app);
  });

  const open = (options = {}) => WireClient.open(app.url(`/ws/metrics?token=${tenant.token()}`, 'ws'), options);

  describe.each(ENCODINGS)('over %s', (encoding) => {
    it('comes once an interval, with the time', async () => {
      const client = await tenant.watch(encoding);
      const first = await client.next({ type: 'ping' });
      const second = await client.next({ type: 'ping' });

      expect(first).toEqual({ type: 'ping', timestamp: expect.any(Number) as number });
      const apart = (second['timestamp'] as number) - (first['timestamp'] as number);
      expect(apart).toBeGreaterThan(HEARTBEAT * 0.5);
      expect(Math.abs((second['timestamp'] as number) - Date.now() / 1000)).toBeLessThan(10);
      await client.close();
    });

    it('may be answered by pong, to which nothing is said', async () => {
      const client = await tenant.watch(encoding);
      client.send({ type: 'pong', timestamp: 1699459200.5 });
      client.send({ type: 'pong' });

      expect((await client.settled()).filter(({ type }) => type !== 'ping')).toEqual([]);
      await client.close();
    });

    it('works the other way as well: a ping is answered by pong, with the time', async () => {
      const client = await tenant.watch(encoding);
      client.send({ type: 'ping' });

      expect(await client.next({ type: 'pong' })).toEqual({ type: 'pong', timestamp: expect.any(Number) as number });
      await client.close();
    });

    it('keeps a client that answers it, and nothing else', async () => {
      const client = await open({ autoPong: false });
      const pong =
        encoding === 'JSON' ? () => client.send({ type: 'pong' }) : () => client.sendMessagePack({ type: 'pong' });
      for (let beat = 0; beat < 8; beat++) {
        await client.next({ type: 'ping' });
        pong();
      }

      await client.close();
      expect((await client.closed).code).toBe(1005);
    });
  });

  it('announces its interval in the welcome', async () => {
    const client = await tenant.watch();

    expect(client.welcome).toMatchObject({ heartbeat_interval: HEARTBEAT });
    await client.close();
  });

  it('keeps a client that ignores it but answers the pings of the WebSocket protocol', async () => {
    const client = await open();
    let protocolPings = 0;
    client.socket.on('ping', () => protocolPings++);
    for (let beat = 0; beat < 8; beat++) await client.next({ type: 'ping' });

    expect(protocolPings).toBeGreaterThanOrEqual(8);
    client.send({ type: 'ping' });
    await client.next({ type: 'pong' });
    await client.close();
  });

  it('keeps a client that sends pings of the WebSocket protocol itself, and answers them', async () => {
    const client = await open({ autoPong: false });
    for (let beat = 0; beat < 8; beat++) {
      client.socket.ping();
      await once(client.socket, 'pong');
      await client.next({ type: 'ping' });
    }

    await client.close();
    expect((await client.closed).code).toBe(1005);
  });

  it.each(['/ws/metrics', '/ws/skills'])(
    'ends a client of %s that stays silent for two of them with 4408',
    async (path) => {
      const opened = Date.now();
      const client = await WireClient.open(app.url(`${path}?token=${tenant.token()}`, 'ws'), { autoPong: false });

      expect(await client.closed).toEqual({ code: 4408, reason: 'peer silent for two heartbeats' });
      expect(Date.now() - opened).toBeGreaterThanOrEqual(2 * HEARTBEAT * 1000 - 50);
    },
  );

  it('ends the silent client alone', async () => {
    const [silent, lively] = [await open({ autoPong: false }), await open()];
    await silent.closed;

    lively.send({ type: 'ping' });
    await lively.next({ type: 'pong' });
    await lively.close();
  });

  it('of the skills dialect is that of the WebSocket protocol alone', async () => {
    const client = await tenant.watchSkills();
    for (let beat = 0; beat < 3; beat++) await once(client.socket, 'ping');
    client.send({ type: 'unsubscribe' });

    const received = await client.upTo({ type: 'unsubscribed' });

    expect(received.filter(({ type }) => type === 'ping')).toEqual([]);
    await client.close();
  });
});
