import { afterEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp } from '../../support/app.js';
import { refusedUpgrade } from '../../support/refused-upgrade.js';
import { SseClient } from '../../support/sse-client.js';
import { TestTenant } from '../../support/test-tenant.js';
import { WireClient } from '../../support/wire-client.js';

const REFUSAL = {
  status: 429,
  headers: { 'retry-after': '5' },
  body: {
    statusCode: 429,
    code: 'connection_limit',
    message: 'Too many connections: at most 2 connections from one address',
  },
};

interface Closable {
  close(): Promise<void>;
}

let app: TestApp;
const open: Closable[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
  await app.close();
});

const start = async (trustProxy: boolean | number | string[], platform: Platform = 'express') => {
  app = await TestApp.start({ auth: { secret: SECRET }, maxConnectionsPerAddress: 2, trustProxy }, platform);
};
/** Of a tenant of its own each time: it is only the address that they share. */
const url = (path: string, scheme: 'http' | 'ws') => app.url(`${path}?token=${new TestTenant(app).token()}`, scheme);
const headersOf = (forwarded?: string): Record<string, string> =>
  forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
const connect = async (forwarded?: string) => {
  const client = await WireClient.open(url('/ws/metrics', 'ws'), { headers: headersOf(forwarded) });
  open.push(client);
  return client;
};
const refusal = (forwarded?: string) => refusedUpgrade(url('/ws/metrics', 'ws'), { headers: headersOf(forwarded) });

describe.each<Platform>(['express', 'fastify'])('the connections of an address on %s', (platform) => {
  it('are sockets and streams together, of all tenants', async () => {
    await start(false, platform);
    await connect();
    open.push(await SseClient.open(url('/stream/metrics', 'http')));

    expect(await refusal()).toMatchObject(REFUSAL);
    expect(await SseClient.refusal(url('/stream/metrics', 'http'))).toMatchObject(REFUSAL);
  });

  it('are those that have not said yet who they are as well', async () => {
    await start(false, platform);
    open.push(await WireClient.open(app.url('/ws/skills', 'ws')), await WireClient.open(app.url('/ws/skills', 'ws')));

    expect(await refusal()).toMatchObject(REFUSAL);
  });

  it('end with their sockets: then there is room again', async () => {
    await start(false, platform);
    const [one, stream] = [await connect(), await SseClient.open(url('/stream/metrics', 'http'))];
    await refusal();
    await Promise.all([one.close(), stream.close()]);

    // The server hears of it a moment after the client.
    await expect
      .poll(() =>
        connect().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await connect();
    expect(await refusal()).toMatchObject(REFUSAL);
  });
});

it('are not limited where nothing is set', async () => {
  app = await TestApp.start({ auth: { secret: SECRET } });
  for (let count = 0; count < 50; count++) await connect();

  expect(open.length).toBe(50);
});

describe('the address of a client', () => {
  const [A, B, C] = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];

  it('is that of its socket, whatever it says of itself, where no proxy is trusted', async () => {
    await start(false);
    await connect(A);
    await connect(B);

    expect(await refusal(C)).toMatchObject(REFUSAL);
  });

  it('is what a trusted proxy says', async () => {
    await start(['loopback']);
    await connect(A);
    await connect(A);

    expect(await refusal(A)).toMatchObject(REFUSAL);
    await connect(B);
  });

  it('is what the last trusted proxy says, not what the client says to that', async () => {
    await start(1);
    await connect(`${B}, ${A}`);
    await connect(`${C}, ${A}`);

    expect(await refusal(`198.51.100.1, ${A}`)).toMatchObject(REFUSAL);
    await connect(A.replace('.1', '.9'));
  });

  it('is that of the socket where another than that is trusted', async () => {
    await start(['192.0.2.0/24']);
    await connect(A);
    await connect(B);

    expect(await refusal(C)).toMatchObject(REFUSAL);
  });

  it('of IPv6 counts with all of its network', async () => {
    await start(true);
    await connect('2001:db8:0:1::1');
    await connect('2001:db8:0:1:ffff::2');

    expect(await refusal('2001:0db8:0000:0001::3')).toMatchObject(REFUSAL);
    await connect('2001:db8:0:2::1');
  });
});
