import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reception } from '../../../src/transports/connections/index.js';
import { TestApp } from '../../support/app.js';
import { CapturedLog } from '../../support/captured-log.js';
import { ChannelsClient } from '../../support/channels-client.js';
import { Scratch } from '../../support/host.js';
import { HttpStandIn } from '../../support/http-stand-in.js';
import { SigningKey, keySetOf } from '../../support/key-sets.js';
import { RawHttp } from '../../support/raw-http.js';
import { refusedUpgrade } from '../../support/refused-upgrade.js';
import { SseClient } from '../../support/sse-client.js';
import { WireClient } from '../../support/wire-client.js';

const known = new SigningKey('2026-10');

/** How a token is received on each way in: `in`, or the status or close code of the refusal. */
async function receptions(app: TestApp, token: string): Promise<Record<string, unknown>> {
  const [socket, late, stream, rest] = await Promise.all([
    bySocket(app, token),
    byFirstFrame(app, token),
    byStream(app, token),
    app.post('/ingest/skills', { skill_name: 'lint', completed: true }, { authorization: `Bearer ${token}` }),
  ]);
  return { socket, late, stream, rest: rest.status === 202 ? 'in' : rest.status };
}

async function bySocket(app: TestApp, token: string): Promise<unknown> {
  const url = app.url(`/ws/metrics?token=${token}`, 'ws');
  try {
    return await outcomeOf(await WireClient.open(url), 'welcome');
  } catch {
    return (await refusedUpgrade(url)).status;
  }
}

async function byFirstFrame(app: TestApp, token: string): Promise<unknown> {
  const client = await WireClient.open(app.url('/ws/skills', 'ws'));
  client.send({ token });
  // Nothing that comes right behind it is lost while a key is looked for.
  client.send({ type: 'ping' });
  if ((await client.next())['type'] === 'error') return (await client.closed).code;
  await client.next({ type: 'pong' });
  await client.close();
  return 'in';
}

async function byStream(app: TestApp, token: string): Promise<unknown> {
  const url = app.url(`/stream/metrics?token=${token}`);
  try {
    const client = await SseClient.open(url);
    await client.close();
    return 'in';
  } catch {
    return (await SseClient.refusal(url)).status;
  }
}

async function outcomeOf(client: WireClient, greeting: string): Promise<unknown> {
  if ((await client.next())['type'] !== greeting) return (await client.closed).code;
  await client.close();
  return 'in';
}

const UPGRADE = [
  ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];
const IN = { socket: 'in', late: 'in', stream: 'in', rest: 'in' };
/** It cannot be said yet: to come again. */
const LATER = { socket: 503, late: 1011, stream: 503, rest: 503 };
const OUT = { socket: 4401, late: 4401, stream: 401, rest: 401 };

describe('a server whose keys are in a file', () => {
  let scratch: Scratch;
  let app: TestApp;
  beforeAll(async () => {
    scratch = new Scratch();
    const jwks = scratch.file('keys.json');
    writeFileSync(jwks, keySetOf(known.jwk()));
    app = await TestApp.start({ auth: { jwks, algorithm: 'ES256' }, maxFailedAuthentications: 0 });
  });
  afterAll(async () => {
    await app.close();
    scratch.remove();
  });

  it('takes tokens of a key that is in it', async () => {
    expect(await receptions(app, known.token())).toEqual(IN);
  });

  it.each([
    ['of another key of that name', new SigningKey(known.kid).token()],
    ['without the name of a key', known.token({}, null)],
  ])('takes no token %s', async (_what, token) => {
    expect(await receptions(app, token)).toEqual(OUT);
  });

  it.each([
    ['with a path for a key', '../../../../dev/null'],
    ['with a query for a key', `x' UNION SELECT 'key' --`],
    ['with a name that every object has', 'constructor'],
  ])('takes no token %s, and does not ask for it soon again', async (_what, kid) => {
    const jwks = scratch.file('own.json');
    writeFileSync(jwks, keySetOf(known.jwk()));
    const other = await TestApp.start({ auth: { jwks, algorithm: 'ES256' }, maxFailedAuthentications: 0 });

    expect(await receptions(other, known.token({}, kid))).toEqual(OUT);
    writeFileSync(jwks, keySetOf(known.jwk(), new SigningKey(`${kid}!`).jwk()));
    expect(await receptions(other, known.token({}, `${kid}!`))).toEqual(OUT);
    await other.close();
  });

  it('takes tokens of a key that came into it since', async () => {
    const fresh = new SigningKey('2026-11');
    const other = await TestApp.start({ auth: { jwks: scratch.file('keys.json'), algorithm: 'ES256' } });
    writeFileSync(scratch.file('keys.json'), keySetOf(known.jwk(), fresh.jwk()));

    expect(await receptions(other, fresh.token())).toEqual(IN);
    expect(await receptions(other, known.token())).toEqual(IN);
    await other.close();
  });

  it.each([
    ['is not there', 'none.json', undefined],
    ['is not JSON', 'text.json', 'no keys'],
    ['holds no key that fits', 'other.json', keySetOf(known.jwk({ alg: 'ES512' }))],
  ])('does not start where the file %s', async (_what, name, text) => {
    if (text !== undefined) writeFileSync(scratch.file(name), text);
    await expect(TestApp.start({ auth: { jwks: scratch.file(name), algorithm: 'ES256' } })).rejects.toThrow(
      /^Metricast option auth\.jwks: it cannot be read: /,
    );
  });
});

describe('a server whose keys are on the web', () => {
  it('does not mind who leaves while a key is looked for', async () => {
    let answer = (_response: ServerResponse) => {};
    const asked = new Promise<ServerResponse>((resolve) => (answer = resolve));
    let isFirst = true;
    const issuer = await HttpStandIn.start((_request, response) => {
      if (isFirst) response.end(keySetOf(known.jwk()));
      else answer(response);
      isFirst = false;
    });
    const app = await TestApp.start({ auth: { jwks: `${issuer.url}/jwks`, algorithm: 'ES256' } });
    const fresh = new SigningKey('a');
    const leaving = await RawHttp.open(app.port);
    leaving.send(`GET /ws/metrics?token=${fresh.token()} HTTP/1.1`, ...UPGRADE);
    const response = await asked;
    leaving.socket.resetAndDestroy();
    const staying = bySocket(app, fresh.token());
    response.end(keySetOf(known.jwk(), fresh.jwk()));

    expect(await staying).toBe('in');
    await app.close();
    await issuer.close();
  });

  it('waits for the key of a newer token of an open connection', async () => {
    const fresh = new SigningKey('a');
    let keys = [known.jwk()];
    const issuer = await HttpStandIn.start((_request, response) => response.end(keySetOf(...keys)));
    const app = await TestApp.start({ auth: { jwks: `${issuer.url}/jwks`, algorithm: 'ES256' } });
    keys = [fresh.jwk()];
    const client = await ChannelsClient.open(app.url(`/ws/metrics?token=${known.token()}`, 'ws'), 'JSON');

    expect(await client.ask({ type: 'refresh', token: fresh.token() })).toMatchObject({ type: 'refreshed' });
    await client.close();
    await app.close();
    await issuer.close();
  });

  it('lets a connection go on with the token that it has where the key of a newer one cannot be looked up', async () => {
    const issuer = await HttpStandIn.start((_request, response) => response.end(keySetOf(known.jwk())));
    const app = await TestApp.start({ auth: { jwks: `${issuer.url}/jwks`, algorithm: 'ES256' } });
    await issuer.close();
    const client = await ChannelsClient.open(app.url(`/ws/metrics?token=${known.token()}`, 'ws'), 'JSON');

    expect(await client.ask({ type: 'refresh', token: new SigningKey('a').token() })).toMatchObject({
      type: 'error',
      code: 'keys_unavailable',
      message: 'The key of the token cannot be looked up now',
      retry_after: expect.any(Number) as number,
    });
    expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
    await client.close();
    await app.close();
  });

  it('says that it cannot tell where the keys cannot be had, and counts no wrong token', async () => {
    const issuer = await HttpStandIn.start((_request, response) => response.end(keySetOf(known.jwk())));
    const auth = { jwks: `${issuer.url}/jwks`, algorithm: 'ES256' } as const;
    const app = await TestApp.start({ auth, maxFailedAuthentications: 1 });
    await issuer.close();
    const token = new SigningKey('a').token();
    const log = new CapturedLog();
    app.app.useLogger(log);

    expect(await receptions(app, token)).toEqual(LATER);
    expect(await SseClient.refusal(app.url(`/stream/metrics?token=${token}`))).toMatchObject({
      headers: { 'retry-after': expect.stringMatching(/^[1-3]?\d$/) as string },
      body: { statusCode: 503, code: 'keys_unavailable', message: 'The key of the token cannot be looked up now' },
    });
    expect(await receptions(app, known.token())).toEqual(IN);
    // Or whoever likes could write a line with each request.
    expect(log.text).not.toContain('cannot be looked up');
    await app.close();
  });

  it('counts who makes up the names of keys among those with wrong tokens', async () => {
    const issuer = await HttpStandIn.start((_request, response) => response.end(keySetOf(known.jwk())));
    const auth = { jwks: `${issuer.url}/jwks`, algorithm: 'ES256' } as const;
    const app = await TestApp.start({ auth, maxFailedAuthentications: 3 });
    const statuses: number[] = [];
    for (const kid of ['a', 'b', 'c', 'd']) {
      const headers = { authorization: `Bearer ${known.token({}, kid)}` };
      statuses.push((await app.post('/ingest/skills', [], headers)).status);
    }

    expect(statuses).toEqual([401, 401, 401, 429]);
    await app.close();
    await issuer.close();
  });

  it('lets nobody in whose key came when the server was told to end', async () => {
    const fresh = new SigningKey('a');
    let asked = (_response: ServerResponse) => {};
    const request = new Promise<ServerResponse>((resolve) => (asked = resolve));
    let isFirst = true;
    const issuer = await HttpStandIn.start((_request, response) => {
      if (isFirst) response.end(keySetOf(known.jwk()));
      else asked(response);
      isFirst = false;
    });
    const app = await TestApp.start({ auth: { jwks: `${issuer.url}/jwks`, algorithm: 'ES256' } });
    const refused = refusedUpgrade(app.url(`/ws/metrics?token=${fresh.token()}`, 'ws'));
    const response = await request;
    app.app.get(Reception, { strict: false }).drain();
    response.end(keySetOf(fresh.jwk()));

    expect(await refused).toMatchObject({ status: 503 });
    await app.close();
    await issuer.close();
  });

  it('waits for a key that it does not know yet, wherever the token comes in', async () => {
    const fresh = [new SigningKey('a'), new SigningKey('b')];
    const issuer = await HttpStandIn.start((_request, response) => response.end(keySetOf(...keys)));
    let keys = [known.jwk()];
    const auth = { jwks: `${issuer.url}/jwks`, algorithm: 'ES256' } as const;
    const app = await TestApp.start({ auth, maxFailedAuthentications: 0 });
    keys = [...keys, fresh[0]!.jwk()];

    expect(await receptions(app, fresh[0]!.token())).toEqual(IN);
    expect(issuer.received).toHaveLength(2);
    // It has been asked just now, and had no such key.
    expect(await receptions(app, fresh[1]!.token())).toEqual(OUT);
    expect(issuer.received).toHaveLength(2);
    await app.close();
    await issuer.close();
  });
});
