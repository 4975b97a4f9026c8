import { type KeyObject, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, secondsFromNow, tokenWith } from '../support/app.js';
import { Scratch } from '../support/host.js';
import { ServerProcess } from '../support/server-process.js';
import { SseClient } from '../support/sse-client.js';
import { TestTenant, run } from '../support/test-tenant.js';
import { WireClient } from '../support/wire-client.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const mallorys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PUBLIC_PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const AUDIENCE = { aud: 'metrics', iss: 'https://issuer.example' };

const encoded = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

type Sign = (content: string) => string;
const rs256 =
  (key: KeyObject): Sign =>
  (content) =>
    sign('sha256', Buffer.from(content), key).toString('base64url');
const hs256 =
  (key: string): Sign =>
  (content) =>
    createHmac('sha256', key).update(content).digest('base64url');
const unsigned: Sign = () => '';

/** A token put together by hand: right in everything but for what is said. */
function forged(header: object = {}, claims: object | string = {}, signed: Sign = rs256(rsa.privateKey)): string {
  const all = { sub: 'mallory', tenant_id: 'acme', exp: secondsFromNow(600), ...AUDIENCE };
  const body = typeof claims === 'string' ? claims : { ...all, ...claims };
  const content = `${encoded({ alg: 'RS256', typ: 'JWT', ...header })}.${encoded(body)}`;
  return `${content}.${signed(content)}`;
}

const KEYS_OF_ITS_OWN = rs256(mallorys.privateKey);
const JWK = { ...mallorys.publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'RS256', use: 'sig' };

const ATTACKS: readonly (readonly [what: string, token: string])[] = [
  ...['none', 'None', 'NONE', 'nOnE'].flatMap((alg) => [
    [`${alg}, without a signature`, forged({ alg }, {}, unsigned)] as const,
    [`${alg}, with the part of the signature left out`, forged({ alg }, {}, unsigned).slice(0, -1)] as const,
    [`${alg}, with the signature of another`, forged({ alg }, {}, () => forged().split('.')[2]!)] as const,
  ]),
  ['the public key as a secret', forged({ alg: 'HS256' }, {}, hs256(PUBLIC_PEM))],
  ['the public key as a secret, without its last line end', forged({ alg: 'HS256' }, {}, hs256(PUBLIC_PEM.trim()))],
  ['the public key as a secret, by the name of the right algorithm', forged({}, {}, hs256(PUBLIC_PEM))],
  ['an empty secret', forged({ alg: 'HS256' }, {}, hs256(''))],
  ['another hash', forged({ alg: 'RS512' })],
  ['another padding', forged({ alg: 'PS256' })],
  ['a list of algorithms', forged({ alg: ['RS256', 'none'] })],
  ['a key of its own', forged({}, {}, KEYS_OF_ITS_OWN)],
  ['a key of its own as jwk', forged({ jwk: JWK, kid: 'mine' }, {}, KEYS_OF_ITS_OWN)],
  ['the right key as jwk', forged({ jwk: rsa.publicKey.export({ format: 'jwk' }) })],
  ['a jku', forged({ jku: 'http://127.0.0.1:1/keys.json', kid: 'mine' }, {}, KEYS_OF_ITS_OWN)],
  ['a jku, rightly signed', forged({ jku: 'https://issuer.example/keys.json' })],
  ['an x5u', forged({ x5u: 'https://mallory.example/cert.pem' }, {}, KEYS_OF_ITS_OWN)],
  ['an x5c', forged({ x5c: ['MIIB'] }, {}, KEYS_OF_ITS_OWN)],
  ['an x5u, rightly signed', forged({ x5u: 'https://issuer.example/cert.pem' })],
  ['an x5c, rightly signed', forged({ x5c: ['MIIB'] })],
  ['a crit', forged({ crit: ['exp'] })],
  ['an empty crit', forged({ crit: [] })],
  ['a payload that is not encoded', forged({ b64: false, crit: ['b64'] })],
  ...['../../../../dev/null', '/etc/passwd', `' UNION SELECT 'x' --`, 'http://127.0.0.1:1/key', '\0'].map(
    (kid) => [`the kid ${JSON.stringify(kid)}`, forged({ kid }, {}, hs256(''))] as const,
  ),
  ['no exp', forged({}, { exp: undefined })],
  ['an exp of null', forged({}, { exp: null })],
  ['an exp that is a text', forged({}, { exp: `${secondsFromNow(600)}` })],
  [
    'an exp that never comes',
    forged({}, `{"sub":"mallory","tenant_id":"acme","aud":"metrics","iss":"https://issuer.example","exp":1e999}`),
  ],
  ['an exp that is over', forged({}, { exp: secondsFromNow(-1) })],
  ['an nbf that is to come', forged({}, { nbf: secondsFromNow(60) })],
  ['another audience', forged({}, { aud: 'others' })],
  ['no audience', forged({}, { aud: undefined })],
  ['another issuer', forged({}, { iss: 'https://issuer.example.mallory.example' })],
  ['no issuer', forged({}, { iss: undefined })],
  ['no subject', forged({}, { sub: undefined })],
  ['claims that are a list', forged({}, '[]')],
  ['a header that is none', `${encoded('RS256')}.${forged().split('.').slice(1).join('.')}`],
  ['a second token behind it', `${forged()}.${forged()}`],
];

describe('a forged token', () => {
  let app: TestApp;
  beforeAll(async () => {
    const auth = { publicKey: PUBLIC_PEM, algorithm: 'RS256', audience: AUDIENCE.aud, issuer: AUDIENCE.iss } as const;
    app = await TestApp.start({ auth, maxFailedAuthentications: 0 });
  });
  afterAll(() => app.close());

  const REFUSED = { code: 'unauthenticated', message: 'Invalid authentication token' };

  it.each(ATTACKS)('with %s is refused everywhere', async (_what, token) => {
    const authorization = `Bearer ${token}`;
    const byHeader = await WireClient.open(app.url('/ws/metrics', 'ws'), { headers: { authorization } });
    const byQuery = await WireClient.open(app.url(`/ws/metrics?token=${encodeURIComponent(token)}`, 'ws'));
    for (const client of [byHeader, byQuery]) {
      expect(await client.next()).toEqual({ type: 'error', ...REFUSED });
      expect(await client.closed).toEqual({ code: 4401, reason: 'invalid authentication token' });
    }
    const byFrame = await WireClient.open(app.url('/ws/skills', 'ws'));
    byFrame.send({ token });
    expect(await byFrame.next()).toMatchObject({ type: 'error', message: REFUSED.message });
    expect(await byFrame.closed).toMatchObject({ code: 4401 });
    for (const [url, headers] of [
      ['/stream/metrics', { authorization }],
      [`/stream/metrics?token=${encodeURIComponent(token)}`, {}],
    ] as const) {
      expect(await SseClient.refusal(app.url(url), headers)).toMatchObject({ status: 401, body: REFUSED });
    }
    for (const path of ['/skills', '/channels', '/admin/audit']) {
      const response = await fetch(app.url(path), { headers: { authorization } });
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({ statusCode: 401, ...REFUSED });
    }
  });

  // What each of them is a variation of is let in: it is the variation that is refused.
  it('that is not forged is let in everywhere', async () => {
    const token = forged();
    const socket = await WireClient.open(app.url(`/ws/metrics?token=${token}`, 'ws'));
    expect(await socket.next()).toMatchObject({ type: 'welcome', tenant_id: 'acme' });
    await socket.close();
    const late = await WireClient.open(app.url('/ws/skills', 'ws'));
    late.send({ token });
    expect(await late.next()).toMatchObject({ type: 'connected', authenticated: true });
    await late.close();
    await (await SseClient.open(app.url(`/stream/metrics?token=${token}`))).close();
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(app.url('/skills'), { headers })).status).toBe(200);
  });

  it('is worth no more in a refresh', async () => {
    const client = await WireClient.open(app.url(`/ws/metrics?token=${forged()}`, 'ws'));
    await client.next({ type: 'welcome' });
    for (const [what, token] of ATTACKS) {
      client.send({ type: 'refresh', token });
      expect(await client.next(), what).toEqual({ type: 'error', ...REFUSED });
    }
    await client.close();
  });
});

describe('before it is known who somebody is', () => {
  it('nothing that they send is done', async () => {
    const app = await TestApp.start({ auth: { secret: SECRET } });
    const tenant = new TestTenant(app);
    const commands = [
      { type: 'subscribe', data: { channels: ['system.metrics'] } },
      { type: 'refresh', token: tenant.token() },
      { type: 'subscribe', skill: null },
      { type: 'ping' },
    ];
    const refused = await WireClient.open(app.url('/ws/metrics?token=garbage', 'ws'));
    const owing = await WireClient.open(app.url('/ws/skills', 'ws'));
    for (const client of [refused, owing]) for (const command of commands) client.send(command);
    owing.send({ token: tenant.token() });
    await Promise.all([refused.closed, owing.closed]);

    for (const { unread } of [refused, owing]) {
      expect(unread).toMatchObject([{ type: 'error', message: 'Invalid authentication token' }]);
    }
    await app.close();
  });
});

describe('a tenant that is named twice', () => {
  it.each([
    'tenant_id=acme&tenant_id=acme',
    'tenant_id=acme&tenant_id=globex',
    'tenant_id[]=acme',
    'tenant_id[0]=acme&tenant_id[1]=globex',
    'tenant_id%5B%5D=acme',
    'tenant_id=acme&workspace_id=globex',
    'workspaceId=acme&workspace_id=acme',
    'tenant_id=acme,globex',
  ])('is refused, though the token allows either: %s', async (query) => {
    const app = await TestApp.start({ auth: { secret: SECRET } });
    const token = tokenWith({ tenant_id: 'acme', tenants: ['globex'] });
    const headers = { authorization: `Bearer ${token}` };
    const socket = await WireClient.open(app.url(`/ws/metrics?${query}`, 'ws'), { headers });

    expect(await socket.next()).toMatchObject({ code: 'no_tenant_access' });
    expect(await socket.closed).toMatchObject({ code: 4403 });
    expect(await SseClient.refusal(app.url(`/stream/metrics?${query}`), headers)).toMatchObject({ status: 403 });
    expect((await fetch(app.url(`/skills?${query}`), { headers })).status).toBe(403);
    expect((await app.post(`/ingest/skills?${query}`, run('lint'), headers)).status).toBe(403);
    await app.close();
  });
});

describe('a token in an address', { timeout: 60_000 }, () => {
  const scratch = new Scratch();
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.up({ JWT_SECRET_KEY: SECRET, LOG_LEVEL: 'verbose' }, scratch.directory);
  });
  afterAll(async () => {
    await server.stop();
    scratch.remove();
  });

  it('shows up in no line of the log, in no error and in no metric', async () => {
    const good = tokenWith({ sub: 'canary-of-a-good-token' });
    const bad = `canary.${'canary'.repeat(20)}.canary`;
    const said: string[] = [];
    for (const token of [good, bad]) {
      for (const path of ['/ws/metrics', '/ws', '/ws/skills', '/ws/tools', '/ws/routing', '/ws/metrics/nothing']) {
        said.push(await saidBySocket(`${path}?token=${token}`));
      }
      for (const path of ['/stream/metrics', '/stream/nothing', '/skills', '/health', '/metrics', '/nothing']) {
        said.push(await saidByHttp(`${path}?token=${token}&channels=${token}`, token));
      }
    }
    const log = server.stdout + server.stderr;

    expect(log).toContain('Metricast is up');
    expect(said.join('\n')).toContain('welcome');
    expect(said.join('\n')).toContain('Invalid authentication token');
    for (const text of [log, ...said]) {
      expect(text).not.toContain('canary');
      for (const part of good.split('.').slice(1)) expect(text).not.toContain(part);
    }
  });

  /** All that a client is sent until it has got its first answer. */
  async function saidBySocket(path: string): Promise<string> {
    const said: unknown[] = [];
    const client = await WireClient.open(server.url(path, 'ws')).catch((error: Error) => error.message);
    if (typeof client === 'string') return client;
    client.socket.on('message', (data: Buffer) => said.push(data.toString()));
    client.send({ type: 'ping' });
    said.push(await client.next().catch((error: Error) => error.message));
    client.socket.terminate();
    return JSON.stringify(said);
  }

  /** The head of the answer and, where it ends, its body; both with the header that a token should come in, and without. */
  async function saidByHttp(path: string, token: string): Promise<string> {
    const answers = [{}, { authorization: `Bearer ${token}` }].map(async (headers) => {
      const response = await fetch(server.url(path), { headers: headers as Record<string, string> });
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
      const body = isStream ? '' : await response.text();
      if (isStream) await response.body?.cancel();
      return JSON.stringify([...response.headers]) + body;
    });
    return (await Promise.all(answers)).join('\n');
  }
});
