import { generateKeyPairSync } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, TestApp, secondsFromNow, tokenWith } from '../../support/app.js';
import { forgedToken } from '../../support/forged-token.js';
import { WireClient } from '../../support/wire-client.js';

const claims = { sub: 'ada', tenant_id: 'acme', exp: secondsFromNow(60) };
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signedWith = (algorithm: 'HS384' | 'RS256', key: object) => new JwtService().sign(claims, { algorithm, ...key });

const REFUSED = [
  { what: 'the algorithm none', token: forgedToken({ alg: 'none' }, {}, '') },
  { what: 'the algorithm NONE', token: forgedToken({ alg: 'NONE' }, {}, '') },
  { what: 'the algorithm none, but a signature', token: forgedToken({ alg: 'none' }) },
  { what: 'another algorithm of the same key', token: signedWith('HS384', { secret: SECRET }) },
  { what: 'another kind of key', token: signedWith('RS256', { privateKey: rsa.privateKey }) },
  { what: 'no algorithm', token: forgedToken({ alg: undefined }) },
  { what: 'a jku header', token: forgedToken({ jku: 'https://example.com/keys' }) },
  { what: 'a jwk header', token: forgedToken({ jwk: { kty: 'oct', k: 'AAAA' } }) },
  { what: 'an x5u header', token: forgedToken({ x5u: 'https://example.com/cert' }) },
  { what: 'an x5c header', token: forgedToken({ x5c: ['AAAA'] }) },
  { what: 'a crit header', token: forgedToken({ crit: ['exp'] }) },
  { what: 'an exp that is over', token: tokenWith({ exp: secondsFromNow(-1) }) },
  { what: 'an exp that is no number', token: forgedToken({}, { exp: `${secondsFromNow(60)}` }) },
  { what: 'no exp', token: tokenWith({ exp: undefined }) },
  { what: 'an exp of null', token: forgedToken({}, { exp: null }) },
  { what: 'an nbf that is to come', token: tokenWith({ nbf: secondsFromNow(30) }) },
  { what: 'no sub', token: tokenWith({ sub: undefined }) },
  { what: 'an empty sub', token: forgedToken({}, { sub: '' }) },
  { what: 'a sub that is no text', token: forgedToken({}, { sub: { name: 'ada' } }) },
  { what: 'no tenant', token: tokenWith({ tenant_id: undefined }) },
  { what: 'a tenant that can be none', token: tokenWith({ tenant_id: 'no tenant/../x' }) },
  { what: 'a tenant that is no text', token: forgedToken({}, { tenant_id: ['acme'] }) },
  { what: 'a filter that is none', token: tokenWith({ filter: 'env=prod' }) },
  { what: 'another secret', token: tokenWith({}, 'another secret of the tests, long enough') },
  { what: 'a changed signature', token: `${tokenWith().slice(0, -4)}AAAA` },
  { what: 'a cut signature', token: tokenWith().slice(0, -4) },
  { what: 'claims of its own', token: withClaims(tokenWith(), { ...claims, tenant_id: 'other' }) },
  { what: 'two parts', token: tokenWith().split('.').slice(0, 2).join('.') },
  { what: 'five parts, as if encrypted', token: 'a.b.c.d.e' },
  { what: 'no JSON in it', token: 'YWJj.YWJj.YWJj' },
  { what: 'claims that are a list', token: forgedList() },
  { what: 'nothing of a token', token: 'garbage' },
  { what: 'over 8 KiB', token: tokenWith({ note: 'x'.repeat(8192) }) },
];

/** The token with other claims and the signature that it had. */
function withClaims(token: string, changed: object): string {
  const [header, , signature] = token.split('.');
  return [header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.');
}

function forgedList(): string {
  const [header, , signature] = forgedToken().split('.');
  return [header, Buffer.from('[1]').toString('base64url'), signature].join('.');
}

describe('a token with', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({ auth: { secret: SECRET }, maxFailedAuthentications: 0 });
  });
  afterAll(() => app.close());

  it.each(REFUSED)('$what is refused in the words of each dialect, then closed with 4401', async ({ token }) => {
    const channels = await WireClient.open(app.url(`/ws/metrics?token=${token}`, 'ws'));
    const skills = await WireClient.open(app.url(`/ws/skills?token=${token}`, 'ws'));
    const message = 'Invalid authentication token';

    expect(await channels.next()).toEqual({ type: 'error', message, code: 'unauthenticated' });
    expect(await channels.closed).toEqual({ code: 4401, reason: 'invalid authentication token' });
    expect(await skills.next()).toEqual({ type: 'error', message, timestamp: expect.any(String) as string });
    expect(await skills.closed).toEqual({ code: 4401, reason: 'invalid authentication token' });
  });

  it.each(REFUSED)('$what is refused by REST with 401', async ({ token }) => {
    const answer = await app.post('/ingest/skills', {}, { authorization: `Bearer ${token}` });

    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.body).toEqual({
      statusCode: 401,
      code: 'unauthenticated',
      message: 'Invalid authentication token',
    });
  });

  // What each of them is a variation of is let in: it is the variation that is refused.
  it('nothing wrong is let in, put together by hand or not', async () => {
    for (const token of [forgedToken(), tokenWith(), tokenWith({ note: 'x'.repeat(5000), nbf: secondsFromNow(-5) })]) {
      const client = await WireClient.open(app.url(`/ws/metrics?token=${token}`, 'ws'));
      expect(await client.next()).toMatchObject({ type: 'welcome', tenant_id: 'acme' });
      await client.close();
    }
  });

  it('anything wrong has nothing done that came before it was refused', async () => {
    const client = await WireClient.open(app.url('/ws/metrics?token=garbage', 'ws'));
    client.send({ type: 'subscribe', data: { channels: ['system.metrics'] } });
    client.send({ type: 'ping' });
    await client.closed;

    expect(client.unread).toEqual([
      { type: 'error', message: 'Invalid authentication token', code: 'unauthenticated' },
    ]);
  });
});

describe('a server with a public key', () => {
  it('takes tokens of its own algorithm, and none that were signed with the public key as a secret', async () => {
    const publicKey = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const app = await TestApp.start({ auth: { publicKey, algorithm: 'RS256' } });
    const first = async (token: string) => {
      const client = await WireClient.open(app.url(`/ws/metrics?token=${token}`, 'ws'));
      return (await client.next())['type'];
    };

    expect(await first(signedWith('RS256', { privateKey: rsa.privateKey }))).toBe('welcome');
    expect(await first(tokenWith({}, publicKey))).toBe('error');
    await app.close();
  });
});

describe('a server with an audience and an issuer', () => {
  it('takes tokens with both alone', async () => {
    const app = await TestApp.start({ auth: { secret: SECRET, audience: 'metrics', issuer: 'https://issuer' } });
    const first = async (more: object) => {
      const client = await WireClient.open(app.url(`/ws/metrics?token=${tokenWith({ ...more })}`, 'ws'));
      return (await client.next())['type'];
    };

    expect(await first({ aud: 'metrics', iss: 'https://issuer' })).toBe('welcome');
    expect(await first({ aud: ['other', 'metrics'], iss: 'https://issuer' })).toBe('welcome');
    expect(await first({ aud: 'other', iss: 'https://issuer' })).toBe('error');
    expect(await first({ aud: 'metrics', iss: 'https://other' })).toBe('error');
    expect(await first({})).toBe('error');
    await app.close();
  });
});
