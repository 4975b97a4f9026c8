import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type ClientOptions } from 'ws';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SECRET, TestApp } from '../support/app.js';
import { Bystander } from '../support/bystander.js';
import { TestTenant } from '../support/test-tenant.js';
import { WireClient } from '../support/wire-client.js';

/** Frames with an empty payload, masked with zeros (RFC 6455, 5.2). */
const PING = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** Pieces of a text of one byte each: the first, and each that follows but the last. */
const FIRST = Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x20]);
const NEXT = Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x20]);
const MANY = 200_000;

function times(frame: Buffer, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => frame));
}

describe('a flood', () => {
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

  /** A client, and a way to write to the socket below it. */
  const open = async (url = app.url(`/ws/metrics?token=${new TestTenant(app).token()}`, 'ws')) => {
    let socket!: Socket;
    const createConnection = (to: object) => (socket = connect(to as { port: number }));
    const client = await WireClient.open(url, {
      createConnection: createConnection as unknown as ClientOptions['createConnection'],
    });
    onTestFinished(() => client.socket.terminate());
    let pongs = 0;
    client.socket.on('pong', () => pongs++);
    return { client, pongs: () => pongs, write: (frames: Buffer) => socket.write(frames) };
  };

  it('of pongs that nobody asked for ends the connection with 4400', async () => {
    const { client, write } = await open();
    write(times(PONG, MANY));

    expect(await client.closed).toEqual({ code: 4400, reason: 'protocol violation' });
  });

  it('of pings that wait for no answer ends the connection without one', async () => {
    const { client, pongs, write } = await open();
    write(times(PING, MANY));

    expect(await client.closed).toMatchObject({ code: 1006 });
    expect(pongs()).toBeLessThan(100);
  });

  it('of pings that wait for their answers ends the connection with 4400', async () => {
    const { client, pongs, write } = await open();
    client.socket.on('pong', () => pongs() % 10 === 0 && write(times(PING, 10)));
    write(times(PING, 10));

    expect(await client.closed).toEqual({ code: 4400, reason: 'protocol violation' });
    // The one too many is answered before it is looked at.
    expect(pongs()).toBeLessThanOrEqual(6001);
  });

  it.each([
    { what: 'pings', frame: PING },
    { what: 'pongs', frame: PONG },
  ])('of $what ends at once where nobody has said who they are', async ({ frame }) => {
    const { client, pongs, write } = await open(app.url('/ws/skills', 'ws'));
    write(times(frame, MANY));

    expect(await client.closed).toMatchObject({ code: 1006 });
    expect(pongs()).toBeLessThanOrEqual(100);
  });

  it('is not a ping now and then, and each is answered', async () => {
    const { client, pongs, write } = await open();
    write(times(PING, 10));
    write(times(PONG, 1000));
    client.send({ type: 'ping' });

    await client.next({ type: 'pong' });
    expect(pongs()).toBe(10);
    await client.close();
  });

  it('of a message in pieces of one byte ends the connection with 1008', async () => {
    const { client, write } = await open();
    write(Buffer.concat([FIRST, times(NEXT, MANY)]));

    expect(await client.closed).toMatchObject({ code: 1008 });
    expect(client.unread.filter(({ type }) => type !== 'welcome')).toEqual([]);
  });

  it('is not a message in a thousand pieces', async () => {
    const { client, write } = await open();
    const text = Buffer.from(JSON.stringify({ type: 'ping', id: 'pieces' }).padEnd(1000, ' '));
    const pieces = [...text].map((byte, at) =>
      Buffer.from([(at === 0 ? 0x01 : 0x00) | (at === text.length - 1 ? 0x80 : 0), 0x81, 0, 0, 0, 0, byte]),
    );
    write(Buffer.concat(pieces));

    expect(await client.next({ type: 'pong' })).toMatchObject({ id: 'pieces' });
    await client.close();
  });

  it('of messages beyond the budget is dropped, and answered', async () => {
    const { client } = await open();
    for (let count = 0; count < 3000; count++) client.send({ type: 'ping' });
    let [done, dropped] = [0, 0];
    await client.find(({ type, code }) => {
      if (type === 'pong') done++;
      if (code === 'rate_limited') dropped++;
      return done + dropped === 3000;
    });

    expect([done, dropped]).toEqual([1000, 2000]);
    await client.close();
  });

  it('of requests on one connection to HTTP is answered one after the other', async () => {
    const socket = connect(app.port, '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    const request = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
    socket.write(request.repeat(500) + request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await once(socket, 'close');

    expect(received.match(/HTTP\/1\.1 200 /g)).toHaveLength(501);
  });
});
