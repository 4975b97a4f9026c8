import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TokenKeys } from '../../../src/auth/index.js';
import { MetricastError } from '../../../src/protocol/index.js';
import { Scheduler } from '../../../src/scheduler/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { HttpStandIn } from '../../support/http-stand-in.js';
import { SigningKey, keySetOf } from '../../support/key-sets.js';

const [OLD, NEW] = [new SigningKey('old'), new SigningKey('new')];
const BOTH = keySetOf(OLD.jwk(), NEW.jwk());

let answer: (response: ServerResponse) => unknown;
let issuer: HttpStandIn;
let keys: TokenKeys;

beforeEach(async () => {
  Logger.overrideLogger(false);
  answers(keySetOf(OLD.jwk()));
  issuer = await HttpStandIn.start((_request, response) => answer(response));
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  keys = new TokenKeys({ jwks: `${issuer.url}/keys`, algorithm: 'ES256' }, new Scheduler(new SchedulerRegistry()));
  await keys.onModuleInit();
});

afterEach(async () => {
  keys.onModuleDestroy();
  vi.useRealTimers();
  vi.restoreAllMocks();
  await issuer.close();
});

function answers(body: string | Buffer, status = 200, headers: Record<string, string> = {}): void {
  answer = (response) => response.writeHead(status, headers).end(body);
}

const has = (kid: unknown) => keys.find(kid) !== undefined;

describe('a set of keys', () => {
  test('is there from the start, by the ids of its keys', () => {
    expect(has('old')).toBe(true);
    for (const kid of ['new', '', undefined, null, 7, ['old'], '../old', '__proto__', 'constructor']) {
      expect(has(kid)).toBe(false);
    }
  });

  test('is read again when a token names a key that is not in it', async () => {
    answers(BOTH);
    await keys.seek('new');
    expect(has('new')).toBe(true);
    expect(keys.seek('new')).toBeUndefined();
  });

  test('is read once for all who name such a key at a time', async () => {
    await Promise.all(['a', 'b', 'c'].map(async (kid) => keys.seek(kid)));
    expect(issuer.received).toHaveLength(2);
  });

  test('is read again for such a key at most every 30 seconds', async () => {
    const now = performance.now.bind(performance);
    await keys.seek('a');
    for (const kid of ['a', 'b', 'c']) expect(keys.seek(kid)).toBeUndefined();
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 29_000);
    expect(keys.seek('d')).toBeUndefined();
    expect(issuer.received).toHaveLength(2);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 30_000);
    await keys.seek('d');
    expect(issuer.received).toHaveLength(3);
  });

  test('loses its keys where who issues them has none any more', async () => {
    answers(keySetOf());
    await keys.seek('new');
    expect(has('old')).toBe(false);
  });

  describe('says of a key that is not in it', () => {
    const isKnownToBeNone = (kid: unknown) => !(keys.missing(kid) instanceof MetricastError);
    const UNAVAILABLE = { code: 'keys_unavailable', details: { retryAfter: 30 } };

    test('that there is none, for 30 seconds from when it was read', async () => {
      const now = performance.now.bind(performance);
      await keys.seek('a');
      expect(['a', 'b', 7, undefined].map(isKnownToBeNone)).toEqual([true, true, true, true]);
      vi.spyOn(performance, 'now').mockImplementation(() => now() + 31_000);
      expect(['a', 'b', 7, undefined].map(isKnownToBeNone)).toEqual([false, false, true, true]);
    });

    test('that this cannot be told where it could not be read the last time', async () => {
      answers('', 503);
      await keys.seek('a');
      expect(['a', 'b'].map((kid) => keys.missing(kid))).toMatchObject([UNAVAILABLE, UNAVAILABLE]);
    });

    test('that this cannot be told to who does not wait until it is read', async () => {
      const seeking = keys.seek('a');
      expect(keys.missing('b')).toMatchObject(UNAVAILABLE);
      await seeking;
      expect(isKnownToBeNone('b')).toBe(true);
    });
  });

  test('is said to be without a key that can be used once, and again when that has happened again', async () => {
    const now = performance.now.bind(performance);
    const log = new CapturedLog();
    Logger.overrideLogger(log);
    const EMPTY = keySetOf(NEW.jwk({ alg: 'ES384' }));
    const bodies = [EMPTY, EMPTY, BOTH, EMPTY];
    for (const [at, body] of bodies.entries()) {
      answers(body);
      vi.spyOn(performance, 'now').mockImplementation(() => now() + at * 30_000);
      await keys.seek('another');
    }
    expect(log.text.split('No token is taken: the key set has no key with a kid that can check ES256')).toHaveLength(3);
  });

  test('is said to be without such a key also where it could not be read before', async () => {
    const now = performance.now.bind(performance);
    const log = new CapturedLog();
    Logger.overrideLogger(log);
    answers('', 503);
    await keys.seek('a');
    answers(keySetOf());
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 30_000);
    await keys.seek('a');
    expect(log.text).toMatch(/cannot be read: answered 503[^]*No token is taken/);
  });

  test('is read again for no key that is none', () => {
    for (const kid of [undefined, null, 7, ['new']]) expect(keys.seek(kid)).toBeUndefined();
  });

  test('is read again every 10 minutes, and forgets keys that are gone', async () => {
    answers(keySetOf(NEW.jwk()));
    await vi.advanceTimersByTimeAsync(599_000);
    expect(issuer.received).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1000);
    await vi.waitFor(() => expect(has('new')).toBe(true));
    expect(has('old')).toBe(false);
  });

  test.each<[what: string, go: () => unknown]>([
    ['answers with an error', () => answers('', 503)],
    ['leads elsewhere', () => answers('', 302, { location: `${issuer.url}/others` })],
    ['answers with what is not JSON', () => answers('<html>')],
    ['answers with no key set', () => answers('[]')],
    ['answers with nothing', () => answers('null')],
    ['answers with more than 1 MiB', () => answers(keySetOf(NEW.jwk({ note: 'x'.repeat(1024 * 1024) })))],
    ['breaks off', () => (answer = (response) => response.destroy())],
    ['is gone', () => issuer.close()],
  ])('keeps its keys where who issues them %s', async (_what, go) => {
    await go();
    await keys.seek('new');
    expect(has('old')).toBe(true);
    expect(has('new')).toBe(false);
    expect(issuer.received.map(({ path }) => path)).not.toContain('/others');
  });

  test('keeps its keys where who issues them does not answer within 5 seconds', { timeout: 10_000 }, async () => {
    answer = () => undefined;
    const first = await Promise.race([keys.seek('new')!.then(() => 'given up'), wait(8000, 'still waiting')]);
    expect(first).toBe('given up');
    expect(has('old')).toBe(true);
  });

  test.each<[what: string, jwk: object]>([
    ['is for another algorithm', NEW.jwk({ alg: 'ES384' })],
    ['is for encryption', NEW.jwk({ use: 'enc' })],
    ['is for signing alone', NEW.jwk({ key_ops: ['sign'] })],
    ['has no id', NEW.jwk({ kid: undefined })],
    ['has an id that is none', NEW.jwk({ kid: 7 })],
    ['shows its private half', NEW.privateJwk()],
    ['is a secret', { kty: 'oct', k: 'c2VjcmV0', kid: 'new' }],
    ['is broken', NEW.jwk({ x: 'AA' })],
    ['is nothing', null as never],
  ])('passes over a key that %s', async (_what, jwk) => {
    answers(keySetOf(jwk, OLD.jwk()));
    await keys.seek('new');
    expect(has('new')).toBe(false);
    expect(has('old')).toBe(true);
  });
});

test.each([undefined, 'metrics'])(
  'where the audience is %s, it is said if tokens for anything are taken',
  async (audience) => {
    const log = new CapturedLog();
    Logger.overrideLogger(log);
    const jwks = `${issuer.url}/keys`;
    const one = new TokenKeys({ jwks, algorithm: 'ES256', audience }, new Scheduler(new SchedulerRegistry()));
    await one.onModuleInit();
    one.onModuleDestroy();

    expect(log.text.includes('JWT_AUDIENCE')).toBe(audience === undefined);
  },
);

test('keys that cannot be had at the start are there as soon as they can', async () => {
  await issuer.close();
  const later = new TokenKeys(
    { jwks: `${issuer.url}/keys`, algorithm: 'ES256' },
    new Scheduler(new SchedulerRegistry()),
  );
  await later.onModuleInit();
  expect(later.find('old')).toBeUndefined();
  const back = await HttpStandIn.start((_request, response) => answer(response), issuer.port);
  await later.seek('old');

  expect(later.find('old')).toBeDefined();
  later.onModuleDestroy();
  await back.close();
});
