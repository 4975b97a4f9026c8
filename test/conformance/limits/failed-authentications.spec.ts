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

/** Each fails to say who somebody is. */
const failures: Record<string, (headers: Record<string, string>) => Promise<unknown>> = {
  'a wrong token by REST': (headers) => get('no.token.atall', headers),
  'no token by REST': (headers) => fetch(app.url('/skills'), { headers }),
  'an expired token on an upgrade': async (headers) => {
    const client = await WireClient.open(socket(tokenWith({ exp: secondsFromNow(-5) })), { headers });
    expect(await client.closed).toMatchObject({ code: 4401 });
  },
  'a wrong token of a stream': (headers) => SseClient.refusal(app.url('/stream/metrics?token=x'), headers),
  'a wrong token in a first frame': async (headers) => {
    const client = await WireClient.open(app.url('/ws/skills', 'ws'), { headers });
    client.send({ token: 'no.token.atall' });
    expect(await client.closed).toMatchObject({ code: 4401 });
  },
};

describe.each<Platform>(['express', 'fastify'])('too many failed authentications of an address on %s', (platform) => {
  it.each(Object.keys(failures))('end with 429 everywhere, for a valid token as well: %s', async (failure) => {
    await start({}, platform);
    const elsewhere = await WireClient.open(socket(tokenWith()), { headers: from('203.0.113.9') });
    for (let count = 0; count < LIMIT; count++) await failures[failure]!(from('203.0.113.7'));

    expect(await get(tokenWith(), from('203.0.113.7'))).toMatchObject(REFUSAL);
    expect(await refusedUpgrade(socket(tokenWith()), { headers: from('203.0.113.7') })).toMatchObject(REFUSAL);
    expect(await refusedUpgrade(app.url('/ws/skills', 'ws'), { headers: from('203.0.113.7') })).toMatchObject(REFUSAL);
    expect(await SseClient.refusal(app.url(`/stream/metrics?token=${tokenWith()}`), from('203.0.113.7'))).toMatchObject(
      REFUSAL,
    );
    expect((await app.post('/ingest/skills', {}, from('203.0.113.7'))).status).toBe(429);

    // Everybody else comes in, and stays.
    expect(await get(tokenWith(), from('203.0.113.8'))).toMatchObject({ status: 200 });
    expect(await elsewhere.next()).toMatchObject({ type: 'welcome' });
    await elsewhere.close();
  });
});

it('one fewer are answered as ever', async () => {
  await start();
  for (let count = 0; count < LIMIT - 1; count++) await get('no.token.atall');

  expect(await get(tokenWith())).toMatchObject({ status: 200 });
  expect(await get('no.token.atall')).toMatchObject({ status: 401 });
  expect(await get(tokenWith())).toMatchObject({ status: 429 });
});

it('a socket that waits for its token is told in its dialect, and closed with 4429', async () => {
  await start();
  const waiting = await WireClient.open(app.url('/ws/skills', 'ws'));
  for (let count = 0; count < LIMIT; count++) await get('no.token.atall');
  waiting.send({ token: tokenWith() });

  expect(await waiting.next()).toMatchObject({ type: 'error', message: REFUSAL.body.message });
  expect(await waiting.closed).toMatchObject({ code: 4429 });
});

it('what is not about who somebody is does not count: another tenant, a missing role, a bad request', async () => {
  await start();
  const token = tokenWith({ roles: ['viewer'] });
  for (let count = 0; count < LIMIT; count++) {
    await fetch(app.url('/skills?tenant_id=other'), { headers: { authorization: `Bearer ${token}` } });
    await app.post('/ingest/skills', {}, { authorization: `Bearer ${token}` });
    await fetch(app.url('/skills?limit=x'), { headers: { authorization: `Bearer ${token}` } });
  }

  expect(await get(token)).toMatchObject({ status: 200 });
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
  for (let count = 0; count < 40; count++) await get('no.token.atall');

  expect(await get(tokenWith())).toMatchObject({ status: 200 });
});

it('the limit is 30 where nothing is set', async () => {
  await start({ maxFailedAuthentications: undefined });
  for (let count = 0; count < 30; count++) expect((await get('no.token.atall')).status).toBe(401);

  expect(await get(tokenWith())).toMatchObject({ status: 429 });
});

it('an address that only says so of itself is not believed: without a trusted proxy, all come from their own', async () => {
  await start({ trustProxy: false });
  for (let count = 0; count < LIMIT; count++) await get('no.token.atall', from(`203.0.113.${count}`));

  expect(await get(tokenWith(), from('203.0.113.99'))).toMatchObject({ status: 429 });
});
