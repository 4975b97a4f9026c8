import { afterEach, describe, expect, it } from 'vitest';
import { type Platform, SECRET, TestApp, secondsFromNow, tokenWith } from '../../support/app.js';
import { refusedUpgrade } from '../../support/refused-upgrade.js';
import { SseClient } from '../../support/sse-client.js';
import { WireClient } from '../../support/wire-client.js';

const LIMIT = 5;
const REFUSAL = {
  status: 429,
  headers: { 'retry-after': expect.stringMatching(/^[1-9]\d?$/) as string },
  body: {
    statusCode: 429,
    code: 'rate_limited',
    message: `Rate limit exceeded: at most ${LIMIT} failed authentications a minute from one address`,
  },
};

let app: TestApp;
const start = async (options: object = {}, platform: Platform = 'express') => {
  app = await TestApp.start(
    { auth: { secret: SECRET }, maxFailedAuthentications: LIMIT, trustProxy: 1, ...options },
    platform,
  );
};
afterEach(() => app.close());

const from = (address: string) => ({ 'x-forwarded-for': address });
const get = async (token: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(app.url('/skills'), { headers: { authorization: `Bearer ${token}`, ...headers } });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: (await answer.json()) as unknown };
};
const socket = (token: string, path = '/ws/metrics') => app.url(`${path}?token=${token}`, 'ws');

/** Each brings a wrong token. */
const failures: Record<string, (headers: Record<string, string>) => Promise<unknown>> = {
  'by REST': (headers) => get('no.token.atall', headers),
  'signed by somebody else': (headers) => get(`${tokenWith().slice(0, -8)}AAAAAAAA`, headers),
  'longer than any': (headers) => get('x'.repeat(9000), headers),
  'on an upgrade': async (headers) => {
    const client = await WireClient.open(socket('no.token.atall'), { headers });
    expect(await client.closed).toMatchObject({ code: 4401 });
  },
  'of a stream': (headers) => SseClient.refusal(app.url('/stream/metrics?token=x'), headers),
  'in a first frame': async (headers) => {
    const client = await WireClient.open(app.url('/ws/skills', 'ws'), { headers });
    client.send({ token: 'no.token.atall' });
    expect(await client.closed).toMatchObject({ code: 4401 });
  },
  'for an open connection': async (headers) => {
    const client = await WireClient.open(socket(tokenWith()), { headers });
    await client.next({ type: 'welcome' });
    client.send({ type: 'refresh', token: 'no.token.atall' });
    await client.next({ type: 'error' });
    await client.close();
  },
};

describe.each<Platform>(['express', 'fastify'])('too many wrong tokens from an address on %s', (platform) => {
  it.each(Object.keys(failures))('get 429 for any other everywhere, and let a valid one in: %s', async (failure) => {
    await start({}, platform);
    for (let count = 0; count < LIMIT; count++) await failures[failure]!(from('203.0.113.7'));

    expect(await get('x', from('203.0.113.7'))).toMatchObject(REFUSAL);
    expect(await refusedUpgrade(socket('x'), { headers: from('203.0.113.7') })).toMatchObject(REFUSAL);
    expect(await SseClient.refusal(app.url('/stream/metrics?token=x'), from('203.0.113.7'))).toMatchObject(REFUSAL);
    const wrong = { authorization: 'Bearer x', ...from('203.0.113.7') };
    expect((await app.post('/ingest/skills', {}, wrong)).status).toBe(429);

    expect(await get(tokenWith(), from('203.0.113.7'))).toMatchObject({ status: 200 });
    const stream = await SseClient.open(app.url(`/stream/metrics?token=${tokenWith()}`), from('203.0.113.7'));
    await stream.close();
    for (const path of ['/ws/metrics', '/ws/skills']) {
      const client = await WireClient.open(socket(tokenWith(), path), { headers: from('203.0.113.7') });
      expect(await client.next()).not.toMatchObject({ type: 'error' });
      await client.close();
    }
    // From elsewhere a wrong one is as wrong as ever.
    expect(await get('x', from('203.0.113.8'))).toMatchObject({ status: 401 });
  });
});

it('so many are answered as ever', async () => {
  await start();
  for (let count = 0; count < LIMIT; count++) expect(await get('no.token.atall')).toMatchObject({ status: 401 });

  expect(await get('no.token.atall')).toMatchObject({ status: 429 });
});

it('a socket that sends a wrong token late is told in its dialect, and closed with 4429', async () => {
  await start();
  const [wrong, right] = [
    await WireClient.open(app.url('/ws/skills', 'ws')),
    await WireClient.open(app.url('/ws/skills', 'ws')),
  ];
  for (let count = 0; count < LIMIT; count++) await get('no.token.atall');
  wrong.send({ token: 'x' });
  right.send({ token: tokenWith() });

  expect(await wrong.next()).toMatchObject({ type: 'error', message: REFUSAL.body.message });
  expect(await wrong.closed).toMatchObject({ code: 4429 });
  expect(await right.next()).toMatchObject({ type: 'connected' });
  await right.close();
});

it('a token that is missing, has ended or was revoked does not count: nobody guesses those', async () => {
  await start();
  const ended = tokenWith({ exp: secondsFromNow(-5) });
  const revoked = tokenWith({ jti: 'one' });
  const admin = { authorization: `Bearer ${tokenWith({ sub: 'admin', roles: ['admin'] })}` };
  expect((await app.post('/admin/tokens/revoke', { jti: 'one' }, admin)).status).toBe(200);
  for (let count = 0; count < LIMIT; count++) {
    for (const token of [ended, revoked]) expect(await get(token)).toMatchObject({ status: 401 });
    expect((await fetch(app.url('/skills'))).status).toBe(401);
    const client = await WireClient.open(socket(ended));
    expect(await client.closed).toMatchObject({ code: 4401 });
  }

  expect(await get('x')).toMatchObject({ status: 401 });
});

it('what is not about who somebody is does not count: another tenant, a missing role, a bad request', async () => {
  await start();
  const token = tokenWith({ roles: ['viewer'] });
  for (let count = 0; count < LIMIT; count++) {
    await fetch(app.url('/skills?tenant_id=other'), { headers: { authorization: `Bearer ${token}` } });
    await app.post('/ingest/skills', {}, { authorization: `Bearer ${token}` });
    await fetch(app.url('/skills?limit=x'), { headers: { authorization: `Bearer ${token}` } });
  }

  expect(await get('x')).toMatchObject({ status: 401 });
});

it('connections that are open go on', async () => {
  await start();
  const client = await WireClient.open(socket(tokenWith()));
  await client.next({ type: 'welcome' });
  for (let count = 0; count < LIMIT; count++) await get('no.token.atall');
  client.send({ type: 'ping' });

  expect(await client.next()).toMatchObject({ type: 'pong' });
  await client.close();
});

it('with a limit of 0, nobody is counted', async () => {
  await start({ maxFailedAuthentications: 0 });
  for (let count = 0; count < 40; count++) expect(await get('no.token.atall')).toMatchObject({ status: 401 });
});

it('the limit is 30 where nothing is set', async () => {
  await start({ maxFailedAuthentications: undefined });
  for (let count = 0; count < 30; count++) expect((await get('no.token.atall')).status).toBe(401);

  expect(await get('no.token.atall')).toMatchObject({ status: 429 });
});

it('an address that only says so of itself is not believed: without a trusted proxy, all come from their own', async () => {
  await start({ trustProxy: false });
  for (let count = 0; count < LIMIT; count++) await get('no.token.atall', from(`203.0.113.${count}`));

  expect(await get('no.token.atall', from('203.0.113.99'))).toMatchObject({ status: 429 });
});
