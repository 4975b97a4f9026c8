import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib';
import { encode } from '@msgpack/msgpack';
import { type ClientOptions } from 'ws';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { Bystander } from '../../support/bystander.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const MIB = 1_048_576;
/** First bytes of frames (RFC 6455, 5.2): FIN, RSV1 where it is compressed, opcode. */
const TEXT = 0xc1;
const BINARY = 0xc2;
const FIRST_OF_MANY = 0x41;
const NEXT_OF_MANY = 0x00;
const LAST_OF_MANY = 0x80;

interface Sender {
  readonly client: WireClient;
  /** Writes a frame of exactly these bytes. */
  readonly write: (firstByte: number, payload: Uint8Array) => void;
}

/** A client that has negotiated permessage-deflate, and compresses by hand. */
async function open(url: string, perMessageDeflate: ClientOptions['perMessageDeflate'] = true): Promise<Sender> {
  let socket!: Socket;
  const createConnection = (to: object) => (socket = connect(to as { port: number }));
  const client = await WireClient.open(url, {
    createConnection: createConnection as unknown as ClientOptions['createConnection'],
    perMessageDeflate,
  });
  onTestFinished(() => client.close());
  return { client, write: (firstByte, payload) => socket.write(Buffer.concat([headOf(firstByte, payload), payload])) };
}

/** With a mask of zeros, which changes nothing. */
function headOf(firstByte: number, { length }: Uint8Array): Buffer {
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  head[0] = firstByte;
  head[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (length >= 65_536) head.writeBigUInt64BE(BigInt(length), 2);
  else if (length >= 126) head.writeUInt16BE(length, 2);
  return head;
}

function deflated(payload: string | Uint8Array): Buffer {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** So many bytes of nothing, made without ever having them. */
async function bombOf(length: number): Promise<Buffer> {
  const deflate = createDeflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
  const parts: Buffer[] = [];
  deflate.on('data', (part: Buffer) => parts.push(part));
  const spaces = Buffer.alloc(MIB, ' ');
  for (let written = 0; written < length; written += MIB) {
    if (!deflate.write(spaces)) await once(deflate, 'drain');
  }
  deflate.end();
  await once(deflate, 'end');
  return Buffer.concat(parts).subarray(0, -4);
}

/** A ping of exactly so many bytes. */
function ping(size: number): string {
  const empty = JSON.stringify({ type: 'ping', pad: '' }).length;
  return JSON.stringify({ type: 'ping', pad: 'x'.repeat(size - empty) });
}

describe('a compressed frame of a client', () => {
  let app: TestApp;
  let bystander: Bystander;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, compression: true, updateInterval: 0.1 });
    bystander = await Bystander.on(app);
  });
  afterEach(() => bystander.isServed());
  afterAll(async () => {
    await bystander.leave();
    await app.close();
  });

  const url = () => app.url(`/ws/metrics?token=${new TestTenant(app).token()}`, 'ws');

  it('is understood, each without those before it', async () => {
    const { client, write } = await open(url());
    for (const id of ['a', 'b', 'c']) {
      write(TEXT, deflated(JSON.stringify({ type: 'ping', id })));
      expect(await client.next({ type: 'pong' })).toMatchObject({ id });
    }
  });

  it('may be MessagePack, and may be among others that are not compressed', async () => {
    const { client, write } = await open(url());
    write(BINARY, deflated(encode({ type: 'ping', id: 'packed' })));
    client.send({ type: 'ping', id: 'plain' });
    write(TEXT, deflated(JSON.stringify({ type: 'ping', id: 'text' })));
    const ids = [await client.next({ type: 'pong' }), await client.next(), await client.next()].map(({ id }) => id);

    expect(ids).toEqual(['packed', 'plain', 'text']);
  });

  it('may come in parts', async () => {
    const { client, write } = await open(url());
    const payload = deflated(JSON.stringify({ type: 'ping', id: 'parts' }));
    write(FIRST_OF_MANY, payload.subarray(0, 5));
    write(NEXT_OF_MANY, payload.subarray(5, 9));
    write(LAST_OF_MANY, payload.subarray(9));

    expect(await client.next({ type: 'pong' })).toMatchObject({ id: 'parts' });
  });

  it('is understood from a client with a narrower window', async () => {
    const { client } = await open(url(), { clientMaxWindowBits: 9, threshold: 0 });
    const channels = Array.from({ length: 100 }, (_, at) => `orders-${at}.of-the-shop-in-the-north.metrics`);
    client.send({ type: 'subscribe', id: 'many', data: { channels } });

    expect(await client.next({ id: 'many' })).toMatchObject({ code: 'unknown_channel' });
  });

  it('may have 1,048,576 bytes once it is inflated', async () => {
    const { client, write } = await open(url());
    write(TEXT, deflated(ping(MIB)));

    expect(await client.next({ type: 'pong' })).toBeDefined();
  });

  it.each([
    ['one byte more', () => deflated(ping(MIB + 1))],
    ['20 MiB', () => deflated(ping(20 * MIB))],
  ])('of %s ends the connection with 1009', async (_what, payload) => {
    const { client, write } = await open(url());
    write(TEXT, payload());

    expect(await client.closed).toMatchObject({ code: 1009 });
    expect(client.unread).toEqual([expect.objectContaining({ type: 'welcome' })]);
  });

  it('is as long as its parts together', async () => {
    const { client, write } = await open(url());
    const payload = deflated(ping(MIB + 1));
    const half = Math.floor(payload.length / 2);
    write(FIRST_OF_MANY, payload.subarray(0, half));
    write(LAST_OF_MANY, payload.subarray(half));

    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('never fills the memory, whatever it would inflate to', async () => {
    const bomb = await bombOf(512 * MIB);
    const { client, write } = await open(url());
    const peakBefore = process.resourceUsage().maxRSS;
    write(TEXT, bomb);

    expect(await client.closed).toMatchObject({ code: 1009 });
    expect(process.resourceUsage().maxRSS - peakBefore).toBeLessThan(64 * 1024);
  });

  it('of somebody who has not said yet who they are is not inflated at all', async () => {
    const { client, write } = await open(app.url('/ws/skills', 'ws'), false);
    write(TEXT, deflated(JSON.stringify({ token: 'x'.repeat(MIB) })));

    expect(await client.closed).toMatchObject({ code: 1002 });
  });

  it('that cannot be inflated ends the connection with 1007', async () => {
    const { client, write } = await open(url());
    write(TEXT, Buffer.from([0xff, 0xff, 0xff, 0xff]));

    expect(await client.closed).toMatchObject({ code: 1007 });
  });

  it('where that was not negotiated ends the connection with 1002', async () => {
    const { client, write } = await open(url(), false);
    write(TEXT, deflated(JSON.stringify({ type: 'ping' })));

    expect(await client.closed).toMatchObject({ code: 1002 });
  });

  it('leaves nothing behind that it was inflated in', async () => {
    const senders = await Promise.all(Array.from({ length: 200 }, () => open(url())));
    const before = await bufferBytes();
    for (const { write } of senders) write(TEXT, deflated(JSON.stringify({ type: 'ping' })));
    await Promise.all(senders.map(({ client }) => client.next({ type: 'pong' })));

    // What `ws` inflates in has 16 KB.
    expect(((await bufferBytes()) - before) / senders.length).toBeLessThan(4096);
  });
});

/** Bytes of all buffers that are still in use. */
async function bufferBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  // What a buffer stands in is given back after the collection that finds it.
  await setImmediate();
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}
