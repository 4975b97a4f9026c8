import { encode } from '@msgpack/msgpack';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp } from '../../support/app.js';
import { Bystander } from '../../support/bystander.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const MIB = 1_048_576;

/** A ping of exactly so many bytes. */
const pings = {
  JSON: (size: number) => {
    const empty = JSON.stringify({ type: 'ping', pad: '' }).length;
    return JSON.stringify({ type: 'ping', pad: 'x'.repeat(size - empty) });
  },
  MessagePack: (size: number) => {
    const pad = (length: number) => encode({ type: 'ping', pad: 'x'.repeat(length) });
    return pad(size - (pad(size).length - size));
  },
} satisfies Record<string, (size: number) => string | Uint8Array>;

describe.each(['JSON', 'MessagePack'] as const)('a frame of %s', (encoding) => {
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

  const ping = pings[encoding];
  const open = async () => {
    const client = await WireClient.open(app.url(`/ws/metrics?token=${new TestTenant(app).token()}`, 'ws'));
    await client.next();
    return client;
  };

  it('may have 1,048,576 bytes', async () => {
    expect(ping(MIB)).toHaveLength(MIB);
    const client = await open();
    client.sendRaw(ping(MIB));

    expect(await client.next()).toMatchObject({ type: 'pong' });
    await client.close();
  });

  it('of one byte more ends the connection with 1009', async () => {
    const client = await open();
    client.sendRaw(ping(MIB + 1));

    expect(await client.closed).toMatchObject({ code: 1009 });
    expect(client.unread).toEqual([]);
  });

  it('of 20 MiB ends the connection with 1009', async () => {
    const client = await open();
    client.sendRaw(ping(20 * MIB));

    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('is as long as its parts together', async () => {
    const client = await open();
    const frame = Buffer.from(ping(MIB + 1));
    const binary = encoding === 'MessagePack';
    for (let at = 0; at < frame.length; at += 65_536) {
      client.socket.send(frame.subarray(at, at + 65_536), { binary, fin: at + 65_536 >= frame.length });
    }

    expect(await client.closed).toMatchObject({ code: 1009 });
  });
});
