import type { Server, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Reception } from '../../../src/transports/connections/index.js';
import { type Platform, TestApp } from '../../support/app.js';
import { HttpStandIn } from '../../support/http-stand-in.js';
import { SigningKey, keySetOf } from '../../support/key-sets.js';
import { jsonFrame } from '../../support/raw-frame.js';
import { RawHttp } from '../../support/raw-http.js';
import { RawSocket } from '../../support/raw-socket.js';
import { refusedUpgrade } from '../../support/refused-upgrade.js';
import { SseClient } from '../../support/sse-client.js';
import { WireClient } from '../../support/wire-client.js';

const ORIGIN = 'https://dashboards.example';
const MAX_WAITING = 500;
const MAX_FRAME_BYTES = 1024 * 1024;

const known = new SigningKey('known');
const fresh = new SigningKey('fresh');

/** Where keys are, which answers once at the start, and from then on when it is let. */
class SlowIssuer {
  #held: ServerResponse[] = [];
  #isUp = false;

  private constructor(private readonly standIn: () => HttpStandIn) {}

  static async start(): Promise<SlowIssuer> {
    const standIn: HttpStandIn = await HttpStandIn.start((_request, response) => issuer.#receive(response));
    const issuer: SlowIssuer = new SlowIssuer(() => standIn);
    return issuer;
  }

  get url(): string {
    return this.standIn().url;
  }

  /** How often it was asked since the start. */
  get asked(): number {
    return this.standIn().received.length - 1;
  }

  answer(): void {
    for (const response of this.#held.splice(0)) response.end(keySetOf(known.jwk(), fresh.jwk()));
  }

  close(): Promise<void> {
    return this.standIn().close();
  }

  #receive(response: ServerResponse): void {
    if (this.#isUp) this.#held.push(response);
    else response.end(keySetOf(known.jwk()));
    this.#isUp = true;
  }
}

let issuer: SlowIssuer;
let app: TestApp;
/** Requests that the server has begun to handle. */
let handled: number;
beforeEach(async () => {
  issuer = await SlowIssuer.start();
});
afterEach(async () => {
  issuer.answer();
  await app.close();
  await issuer.close();
});

const start = async (options: object, platform?: Platform) => {
  const auth = { jwks: issuer.url, algorithm: 'ES256' as const };
  app = await TestApp.start({ auth, maxFailedAuthentications: 0, ...options }, platform);
  handled = 0;
  const server = app.app.getHttpServer() as Server;
  const emit = server.emit.bind(server);
  server.emit = ((event: string, ...args: unknown[]) => {
    const result = emit(event, ...args);
    if (event === 'request' || event === 'upgrade') handled++;
    return result;
  }) as Server['emit'];
};
const stream = (token = fresh.token()) => app.url(`/stream/metrics?token=${token}`);
const webSocket = (path = '/ws/metrics') => app.url(`${path}?token=${fresh.token()}`, 'ws');

describe('those who wait for a key', () => {
  it.each<Platform>(['express', 'fastify'])(
    'do not all find the room that one of them found on %s',
    async (platform) => {
      await start({ maxConnectionsPerAddress: 2 }, platform);
      const outcomes: string[] = [];
      const clients: { close(): Promise<void> }[] = [];
      const open = async (opening: Promise<{ close(): Promise<void> }>) => {
        await opening.then(
          (client) => (clients.push(client), outcomes.push('open')),
          (error: Error) => outcomes.push(error.message.slice(0, 3)),
        );
      };
      const opening = Array.from({ length: 8 }, () => open(SseClient.open(stream())));
      await expect.poll(() => handled).toBe(8);
      await expect.poll(() => issuer.asked).toBe(1);
      issuer.answer();
      await Promise.all(opening);

      expect(outcomes.sort()).toEqual([...Array<string>(6).fill('429'), 'open', 'open']);
      expect(await refusedUpgrade(webSocket())).toMatchObject({ status: 429 });
      await Promise.all(clients.map((client) => client.close()));
    },
  );

  it('do not all find the room that one of them found, by WebSocket', async () => {
    await start({ maxConnectionsPerAddress: 2 });
    const refusals: number[] = [];
    for (let count = 0; count < 6; count++) {
      void WireClient.refusedWith(webSocket()).then((status) => refusals.push(status));
    }
    await expect.poll(() => handled).toBe(6);
    await expect.poll(() => issuer.asked).toBe(1);
    issuer.answer();

    await expect.poll(() => refusals).toEqual([429, 429, 429, 429]);
  });

  it('may ask again on the same connection where there was none left', async () => {
    await start({ maxConnectionsPerAddress: 1 });
    const both = await Promise.all([RawHttp.open(app.port), RawHttp.open(app.port)]);
    for (const raw of both) raw.send('GET /stream/metrics HTTP/1.1', `Authorization: Bearer ${fresh.token()}`);
    await expect.poll(() => handled).toBe(2);
    await expect.poll(() => issuer.asked).toBe(1);
    issuer.answer();
    await Promise.all(both.map((raw) => raw.until(' GMT\r\n')));
    const [winner] = both.filter(({ received }) => received.includes('event-stream'));
    const [loser] = both.filter((raw) => raw !== winner);
    await loser!.until('connection_limit');
    winner!.close();
    const server = app.app.getHttpServer() as Server;
    const count = () => new Promise((resolve) => server.getConnections((_error, open) => resolve(open)));
    await expect.poll(count).toBe(1);
    loser!.send('GET /stream/metrics HTTP/1.1', `Authorization: Bearer ${fresh.token()}`);

    await loser!.until('event-stream');
    loser!.close();
  });

  it.each<Platform>(['express', 'fastify'])(
    'get no stream of a server that was told to end meanwhile on %s',
    async (platform) => {
      await start({}, platform);
      const raw = await RawHttp.open(app.port);
      raw.send('GET /stream/metrics HTTP/1.1', `Authorization: Bearer ${fresh.token()}`);
      await expect.poll(() => issuer.asked).toBe(1);
      const closing = app.close();
      await expect.poll(() => app.app.get(Reception, { strict: false }).isDraining).toBe(true);
      issuer.answer();

      await raw.until('}');
      expect(raw.parts[0]).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
      expect(raw.parts[0].toLowerCase().split('\r\n')).toEqual(
        expect.arrayContaining(['retry-after: 1', 'connection: close']),
      );
      await closing;
    },
  );

  it('are let in with all that follows the token, as large as any frame, which is read only then', async () => {
    await start({});
    const raw = await RawSocket.open(app, '/ws/skills');
    const ping = { type: 'ping', note: 'x'.repeat(MAX_FRAME_BYTES - 25) };
    expect(JSON.stringify(ping)).toHaveLength(MAX_FRAME_BYTES);
    raw.write(jsonFrame({ token: fresh.token() }), jsonFrame(ping), jsonFrame(ping), jsonFrame(ping));
    await expect.poll(() => issuer.asked).toBe(1);

    expect(raw.peer.isPaused()).toBe(true);
    expect(raw.peer.bytesRead).toBeLessThan(256 * 1024);
    issuer.answer();
    await raw.nextMessage('connected');
    for (let count = 0; count < 3; count++) await raw.nextMessage('pong');
    raw.destroy();
  });

  it('are not those whose page may not connect', async () => {
    await start({ origins: [ORIGIN] });
    const headers = { origin: 'https://elsewhere.example' };

    expect(await refusedUpgrade(webSocket(), { headers })).toMatchObject({ status: 403 });
    expect(await SseClient.refusal(stream(), headers)).toMatchObject({ status: 403 });
    expect(issuer.asked).toBe(0);
  });

  it('are not those from where there are too many connections already', async () => {
    await start({ maxConnectionsPerAddress: 1 });
    const client = await SseClient.open(stream(known.token()));

    expect(await refusedUpgrade(webSocket())).toMatchObject({ status: 429 });
    expect(issuer.asked).toBe(0);
    await client.close();
  });

  it(
    `are ${MAX_WAITING} at most: the next one is told at once that the key is not there`,
    { timeout: 20_000 },
    async () => {
      await start({});
      const waiting = await Promise.all(Array.from({ length: MAX_WAITING }, () => RawHttp.open(app.port)));
      for (const raw of waiting) raw.send('GET /skills HTTP/1.1', `Authorization: Bearer ${fresh.token()}`);
      await expect.poll(() => handled, { timeout: 10_000 }).toBe(MAX_WAITING);
      await expect.poll(() => issuer.asked).toBe(1);

      expect(await SseClient.refusal(stream())).toMatchObject({ status: 503 });
      expect(waiting.map(({ received }) => received).join('')).toBe('');
      issuer.answer();
      await Promise.all(waiting.map((raw) => raw.until('200 OK')));
      await (await SseClient.open(stream())).close();
      for (const raw of waiting) raw.close();
    },
  );
});
