import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { Bystander } from '../../support/bystander.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const bytes = (...values: number[]) => Uint8Array.from(values);

/** Lists of 1,024, each the first entry of the one before: room for all of them would be room for gigabytes. */
const longLists = (depth: number) => Buffer.alloc(3 * depth, bytes(0xdc, 0x04, 0x00));

describe('a bad frame', () => {
  let app: TestApp;
  let bystander: Bystander;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, updateInterval: 0.1 });
    bystander = await Bystander.on(app);
  });
  afterEach(() => bystander.isServed());
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  const open = async (path = '/ws/metrics') => {
    const client = await WireClient.open(app.url(`${path}?token=${new TestTenant(app).token()}`, 'ws'));
    await client.next();
    return client;
  };

  describe.each(['/ws/metrics', '/ws/skills'])('on %s', (path) => {
    it.each([
      'not JSON',
      '',
      ' ',
      '{"type":',
      '{"type":"ping",}',
      "{'type':'ping'}",
      '{"type":"ping","value":NaN}',
      '{"type":"ping"}{"type":"ping"}',
      '\ufeff{"type":"ping"}',
      '[]',
      '[{"type":"ping"}]',
      '"ping"',
      '7',
      'null',
      'true',
    ])('that is no JSON object (%j) is answered by an error, and the next good one is done', async (frame) => {
      const client = await open(path);
      client.sendRaw(frame);
      client.send({ type: 'ping' });

      expect(await client.next({ type: 'error' })).toMatchObject({ message: 'Invalid message: not a JSON object' });
      expect(await client.next({ type: 'pong' })).toMatchObject({ type: 'pong' });
      await client.close();
    });

    it.each([
      { what: 'random bytes', data: bytes(0xc1, 0xff, 0x00, 0x17) },
      { what: 'nothing at all', data: bytes() },
      { what: 'JSON', data: Buffer.from('{"type":"ping"}') },
      { what: 'a map that breaks off', data: bytes(0x82, 0xa4, 0x74) },
      { what: 'a text of 4 GiB that is not there', data: bytes(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61) },
      { what: 'a list of 4 billion that are not there', data: bytes(0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0) },
      { what: 'a map of 4 billion that are not there', data: bytes(0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0) },
      { what: 'a binary of 4 GiB that is not there', data: bytes(0xc6, 0xff, 0xff, 0xff, 0xff, 0x00) },
      { what: 'an extension of 4 GiB that is not there', data: bytes(0xc9, 0xff, 0xff, 0xff, 0xff, 0x01) },
      { what: 'lists in lists that break off', data: new Uint8Array(1_000_000).fill(0x91) },
      { what: 'long lists in long lists that are not there', data: longLists(349_000) },
    ])('of $what as binary is not MessagePack: an error, then 4400', async ({ data }) => {
      const client = await open(path);
      client.sendRaw(data);

      expect(await client.next({ type: 'error' })).toMatchObject({ message: 'Invalid message: not MessagePack' });
      expect(await client.closed).toEqual({ code: 4400, reason: 'protocol violation' });
    });

    it('is one of 20 in a row: the last is answered as well, then 4400', async () => {
      const client = await open(path);
      for (let count = 0; count < 20; count++) client.sendRaw('not JSON');

      for (let count = 0; count < 20; count++) await client.next({ type: 'error' });
      expect(await client.closed).toEqual({ code: 4400, reason: 'protocol violation' });
    });

    it('may come 19 times in a row, again and again with a good one in between', async () => {
      const client = await open(path);
      for (let round = 0; round < 3; round++) {
        for (let count = 0; count < 19; count++) client.sendRaw('not JSON');
        client.send({ type: 'ping' });
      }

      const received: unknown[] = [];
      for (let round = 0; round < 3; round++) {
        received.push(...(await client.upTo({ type: 'pong' })).filter(({ type }) => type === 'error'));
      }
      expect(received).toHaveLength(3 * 19);
      await client.close();
    });

    it('is not one that asks for something unknown: however many, the socket stays open', async () => {
      const client = await open(path);
      for (let count = 0; count < 25; count++) client.send({ type: 'no such type' });
      for (let count = 0; count < 25; count++) await client.next({ type: 'error' });
      client.send({ type: 'ping' });

      expect(await client.next({ type: 'pong' })).toMatchObject({ type: 'pong' });
      await client.close();
    });

    it('behind 20 of them is not done any more', async () => {
      const client = await open(path);
      for (let count = 0; count < 20; count++) client.sendRaw('not JSON');
      client.send({ type: 'unsubscribe' });
      await client.closed;

      expect(client.unread.filter(({ type }) => type === 'unsubscribed')).toEqual([]);
    });
  });

  it('of MessagePack that is no map is answered by an error, and the next good one is done', async () => {
    const client = await open();
    for (const data of [bytes(0x90), bytes(0x07), bytes(0xc0), bytes(0xa4, 0x70, 0x69, 0x6e, 0x67)]) {
      client.sendRaw(data);
      expect(await client.next({ type: 'error' })).toMatchObject({ code: 'bad_frame' });
    }

    client.sendMessagePack({ type: 'ping' });
    await client.next({ type: 'pong' });
    await client.close();
  });

  it('of text that is not UTF-8 ends the connection as the WebSocket protocol says, with 1007', async () => {
    const client = await open();
    client.socket.send(bytes(0x7b, 0xff, 0xfe, 0x7d), { binary: false });

    expect(await client.closed).toMatchObject({ code: 1007 });
  });

  it('that is none ends the connection as the WebSocket protocol says, with 1002', async () => {
    const client = await open();
    (client.socket as unknown as { _socket: Socket })._socket.write(bytes(0xff, 0xff, 0xff, 0xff));

    expect(await client.closed).toMatchObject({ code: 1002 });
  });

  it('that breaks off with its connection is nobody’s trouble', async () => {
    const client = await open();
    client.send({ type: 'subscribe', data: { channels: ['system.metrics'] } });
    // A frame of 100 bytes is announced, and 3 of them are sent.
    (client.socket as unknown as { _socket: Socket })._socket.write(bytes(0x81, 0x80 | 100, 1, 2, 3, 4, 5, 6, 7));
    client.socket.terminate();

    await client.closed;
  });
});
