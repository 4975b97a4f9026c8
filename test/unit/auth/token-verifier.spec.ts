import { type KeyObject, createHmac, createSign, generateKeyPairSync, sign } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AuthOptions, JwtAlgorithm, TokenClaims, TokenVerifier } from '../../../src/auth/index.js';
import { MetricastError } from '../../../src/protocol/index.js';
import { filterOf } from '../../support/publications.js';
import { verifierWith } from '../../support/token-verifiers.js';

const SECRET = 'a secret of the tests, 32 bytes or more';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();

function verifier(options: AuthOptions = { secret: SECRET }): TokenVerifier {
  return verifierWith(options);
}

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function claimsWith(claims: Record<string, unknown> = {}): Record<string, unknown> {
  return { sub: 'ada', tenant_id: 'acme', exp: inSeconds(60), ...claims };
}

function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** Put together by hand, as an attacker would: no library stands in the way of a strange header. */
function handmade(header: unknown, claims: unknown, sign: (content: string) => string): string {
  const content = `${part(header)}.${part(claims)}`;
  return `${content}.${sign(content)}`;
}

const hmac =
  (key: string, hash = 'sha256') =>
  (content: string) =>
    createHmac(hash, key).update(content).digest('base64url');
const rs256 = (key: KeyObject) => (content: string) =>
  createSign('sha256').update(content).sign(key).toString('base64url');
const unsigned = () => '';

/** A token that is as it should be, but for these claims and fields of the header. */
function tokenWith(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): string {
  return handmade({ alg: 'HS256', typ: 'JWT', ...header }, claimsWith(claims), hmac(SECRET));
}

function verify(claims: Record<string, unknown> = {}): TokenClaims {
  return verifier().verify(tokenWith(claims));
}

function expectRefused(token: string, of: TokenVerifier = verifier()): void {
  let refusal: unknown;
  try {
    of.verify(token);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(MetricastError);
  // Whatever is wrong with it: the client learns no more.
  expect((refusal as MetricastError).code).toBe('unauthenticated');
  expect((refusal as MetricastError).message).toBe('Invalid authentication token');
}

describe('a valid token', () => {
  test('says who, where, until when, and by default that they may read', () => {
    const exp = inSeconds(60);
    expect(verify({ exp })).toEqual({
      subject: 'ada',
      tenants: ['acme'],
      roles: new Set(['viewer']),
      filter: filterOf({}),
      expiresAt: exp * 1000,
      issuedAt: 0,
    });
  });

  test('says which one it is, and since when', () => {
    const iat = inSeconds(-5);
    expect(verify({ jti: 't1', iat })).toMatchObject({ tokenId: 't1', issuedAt: iat * 1000 });
  });

  test.each([inSeconds(3600), -1, 'now', null])('that was issued at %j counts as an old one', (iat) => {
    expect(verify({ iat }).issuedAt).toBe(0);
  });

  test('may end later than there are dates', () => {
    expect(new Date(verify({ exp: 4e13 }).expiresAt).toISOString()).toBe('+275760-09-13T00:00:00.000Z');
  });

  test.each([
    [{ tenant_id: 'a', workspace_id: 'b', workspaceId: 'c' }, ['a']],
    [{ tenant_id: undefined, workspace_id: 'b', workspaceId: 'c' }, ['b']],
    [{ tenant_id: undefined, workspaceId: 'c' }, ['c']],
    [{ tenant_id: 'a', tenants: ['b', 'c'] }, ['a', 'b', 'c']],
    [{ tenant_id: undefined, tenants: ['b', 'c'] }, ['b', 'c']],
    [{ workspace_id: undefined, workspaces: ['b'] }, ['acme', 'b']],
    [{ tenants: 'b' }, ['acme', 'b']],
    [{ tenants: ['b', 7, '../c', null] }, ['acme', 'b']],
  ])('with %j may enter %j, the first by default', (claims, tenants) => {
    expect(verify(claims).tenants).toEqual(tenants);
  });

  test.each([
    [{}, ['viewer']],
    [{ roles: null }, ['viewer']],
    [{ role: 'ingest' }, ['ingest']],
    [{ roles: ['viewer', 'admin'] }, ['viewer', 'admin']],
    [{ roles: ['ingest'], role: 'operator' }, ['ingest']],
    [{ roles: [] }, []],
    [{ roles: ['root', 'Operator', 7, null, 'toString'] }, []],
    [{ role: 'viewer,operator' }, []],
    [{ roles: { operator: true } }, []],
  ])('with %j has the roles %j', (claims, roles) => expect([...verify(claims).roles]).toEqual(roles));

  test('may restrict what its holder sees', () => {
    expect(verify({ filter: { env: ['b', 'a'], region: 'x' } }).filter).toEqual(
      filterOf({ env: ['a', 'b'], region: 'x' }),
    );
  });

  test.each(['HS256', 'HS384', 'HS512'] as const)(
    'is signed with the algorithm that is configured: %s',
    (algorithm) => {
      const token = new JwtService().sign(claimsWith(), { secret: SECRET, algorithm });
      expect(verifier({ secret: SECRET, algorithm }).verify(token).subject).toBe('ada');
      const another = algorithm === 'HS256' ? 'HS512' : 'HS256';
      expectRefused(token, verifier({ secret: SECRET, algorithm: another }));
    },
  );

  test.each<[Exclude<JwtAlgorithm, 'EdDSA'>, KeyObject, KeyObject]>([
    ['RS256', rsa.privateKey, rsa.publicKey],
    ['PS256', rsa.privateKey, rsa.publicKey],
    ['ES256', ec.privateKey, ec.publicKey],
  ])('may be signed with a private key: %s', (algorithm, privateKey, publicKey) => {
    const token = new JwtService().sign(claimsWith(), { privateKey: privateKey as never, algorithm });
    expect(verifier({ publicKey: pemOf(publicKey), algorithm }).verify(token).subject).toBe('ada');
  });
});

describe('a token of an Edwards curve', () => {
  test.each(['ed25519', 'ed448'] as const)('is taken: %s', (curve) => {
    const [own, other] = [0, 1].map(() => generateKeyPairSync(curve as 'ed25519'));
    const of = verifier({ publicKey: pemOf(own!.publicKey), algorithm: 'EdDSA' });
    const signedBy = (key: KeyObject) =>
      handmade({ alg: 'EdDSA' }, claimsWith(), (content) =>
        sign(null, Buffer.from(content), key).toString('base64url'),
      );
    expect(of.verify(signedBy(own!.privateKey)).subject).toBe('ada');
    expectRefused(signedBy(other!.privateKey), of);
    expectRefused(handmade({ alg: 'EdDSA' }, claimsWith(), hmac(pemOf(own!.publicKey))), of);
    expectRefused(handmade({ alg: 'HS256' }, claimsWith(), hmac(pemOf(own!.publicKey))), of);
  });
});

describe('a clock that may differ', () => {
  const tolerant = verifier({ secret: SECRET, clockTolerance: 10 });

  test('lets a token be taken a little longer, and it ends then', () => {
    const exp = inSeconds(-5);
    expect(tolerant.verify(tokenWith({ exp })).expiresAt).toBe((exp + 10) * 1000);
    expectRefused(tokenWith({ exp: inSeconds(-11) }), tolerant);
  });

  test('lets a token be taken a little sooner', () => {
    expect(tolerant.verify(tokenWith({ nbf: inSeconds(5) })).subject).toBe('ada');
    expectRefused(tokenWith({ nbf: inSeconds(12) }), tolerant);
  });
});

describe('a token that nobody signed', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', '', undefined, null, 'HS256'])('is refused: alg %j', (alg) => {
    for (const of of [verifier(), verifier({ publicKey: pemOf(rsa.publicKey), algorithm: 'RS256' })]) {
      expectRefused(handmade({ alg, typ: 'JWT' }, claimsWith(), unsigned), of);
      expectRefused(handmade({ alg, typ: 'JWT' }, claimsWith(), unsigned).slice(0, -1), of);
    }
  });

  test.each(['none', 'nOnE', ''])('is refused with the signature of another too: alg %j', (alg) => {
    const signature = tokenWith().split('.')[2]!;
    expectRefused(handmade({ alg }, claimsWith(), () => signature));
    expectRefused(handmade({ alg }, claimsWith(), hmac(SECRET)));
    expectRefused(handmade({ alg }, claimsWith(), hmac('')));
  });
});

describe('a token signed with the wrong key', () => {
  test.each(['', 'another secret of the tests, long enough', SECRET.slice(0, -1), 'undefined', 'null'])(
    'is refused: %j',
    (secret) => expectRefused(handmade({ alg: 'HS256' }, claimsWith(), hmac(secret))),
  );

  const asymmetric = verifier({ publicKey: pemOf(rsa.publicKey), algorithm: 'RS256' });

  test('is refused where the public key was taken for a secret', () => {
    expect(asymmetric.verify(handmade({ alg: 'RS256' }, claimsWith(), rs256(rsa.privateKey))).subject).toBe('ada');
    const pem = pemOf(rsa.publicKey);
    for (const key of [pem, pem.trim(), pem.replaceAll('\n', '\r\n')]) {
      for (const alg of ['HS256', 'RS256', 'hs256']) {
        expectRefused(handmade({ alg }, claimsWith(), hmac(key)), asymmetric);
      }
    }
  });

  test('is refused where another private key signed it', () => {
    expectRefused(handmade({ alg: 'RS256' }, claimsWith(), rs256(otherRsa.privateKey)), asymmetric);
  });

  test('is refused where a private key signed it and a secret is configured', () => {
    expectRefused(handmade({ alg: 'RS256' }, claimsWith(), rs256(rsa.privateKey)));
  });

  test.each<[string, unknown]>([
    ['jwk', rsa.publicKey.export({ format: 'jwk' })],
    ['jku', 'https://attacker.example/keys.json'],
    ['x5u', 'https://attacker.example/cert.pem'],
    ['x5c', ['MIIB']],
    ['crit', ['exp']],
    ['crit', []],
    ['jwk', null],
  ])('is refused where it brings its own as %s, and also where the signature is right', (name, value) => {
    expectRefused(handmade({ alg: 'RS256', [name]: value }, claimsWith(), rs256(rsa.privateKey)), asymmetric);
    expectRefused(handmade({ alg: 'RS256', [name]: value }, claimsWith(), rs256(otherRsa.privateKey)), asymmetric);
    expectRefused(tokenWith({}, { [name]: value }));
  });

  test('is no matter of its kid, which chooses nothing', () => {
    expect(verifier().verify(tokenWith({}, { kid: '../../../../dev/null' })).subject).toBe('ada');
  });

  test('is any token where no key is configured', () => {
    const keyless = verifier({});
    expect(keyless.hasKey).toBe(false);
    for (const key of ['', 'undefined', SECRET]) {
      expectRefused(handmade({ alg: 'HS256' }, claimsWith(), hmac(key)), keyless);
    }
    expectRefused(handmade({ alg: 'none' }, claimsWith(), unsigned), keyless);
  });
});

describe('a token is refused for its claims', () => {
  test.each<[string, Record<string, unknown>]>([
    ['expired', { exp: inSeconds(-1) }],
    ['expired just now', { exp: inSeconds(0) }],
    ['without exp', { exp: undefined }],
    ['with an exp that is no number', { exp: '4102444800' }],
    ['with an exp of null', { exp: null }],
    ['with a jti that is no text', { jti: 7 }],
    ['with a jti that breaks lines', { jti: 'a\nb' }],
    ['not valid yet', { nbf: inSeconds(60) }],
    ['with an nbf that is no number', { nbf: 'now' }],
    ['without sub', { sub: undefined }],
    ['with an empty sub', { sub: '' }],
    ['with a sub that is no text', { sub: 7 }],
    ['with a sub that breaks lines', { sub: 'ada\nroot' }],
    ['with a sub that is too long', { sub: 'a'.repeat(257) }],
    ['without a tenant', { tenant_id: undefined }],
    ['with a tenant that can be none', { tenant_id: '../acme' }],
    ['with a list as its tenant', { tenant_id: ['acme'] }],
    ['with no usable tenant among many', { tenant_id: undefined, tenants: ['', 7] }],
    ['with a filter that is none', { filter: 'env=a' }],
    ['with a filter that has no values', { filter: { env: [] } }],
    ['with a filter on a name that is none', { filter: { constructor: 'a' } }],
  ])('%s', (_why, claims) => expectRefused(tokenWith(claims)));

  test('that never end', () => {
    const claims = (exp: string) => `{"sub":"ada","tenant_id":"acme","exp":${exp}}`;
    expect(verifier().verify(handmade({ alg: 'HS256' }, claims('4102444800'), hmac(SECRET))).subject).toBe('ada');
    expectRefused(handmade({ alg: 'HS256' }, claims('1e999'), hmac(SECRET)));
  });

  test.each([
    [{ aud: undefined }, 'refused'],
    [{ aud: 'other' }, 'refused'],
    [{ aud: ['other'] }, 'refused'],
    [{ aud: 'metricast' }, 'accepted'],
    [{ aud: ['other', 'metricast'] }, 'accepted'],
    [{ aud: 'metricast.evil' }, 'refused'],
  ])('for another audience than the one configured: %j is %s', (claims, outcome) => {
    const of = verifier({ secret: SECRET, audience: 'metricast' });
    if (outcome === 'refused') expectRefused(tokenWith(claims), of);
    else expect(of.verify(tokenWith(claims)).subject).toBe('ada');
  });

  test.each([
    [{ iss: undefined }, 'refused'],
    [{ iss: 'https://evil.example' }, 'refused'],
    [{ iss: 'https://issuer.example' }, 'accepted'],
  ])('by another issuer than the one configured: %j is %s', (claims, outcome) => {
    const of = verifier({ secret: SECRET, issuer: 'https://issuer.example' });
    if (outcome === 'refused') expectRefused(tokenWith(claims), of);
    else expect(of.verify(tokenWith(claims)).subject).toBe('ada');
  });
});

describe('what is no token', () => {
  test.each([
    '',
    '.',
    '..',
    '...',
    'a.b.c',
    'null',
    tokenWith().slice(0, -1),
    `${tokenWith()}.`,
    ` ${tokenWith()}`,
    `${tokenWith()}\n`,
    handmade('no JSON', claimsWith(), hmac(SECRET)),
    handmade('"HS256"', claimsWith(), hmac(SECRET)),
    handmade({ alg: 'HS256' }, 'no JSON', hmac(SECRET)),
    handmade({ alg: 'HS256' }, '"text"', hmac(SECRET)),
    handmade({ alg: 'HS256' }, [claimsWith()], hmac(SECRET)),
    handmade({ alg: 'HS256' }, 'null', hmac(SECRET)),
    handmade({ alg: ['HS256'] }, claimsWith(), hmac(SECRET)),
  ])('is refused: %j', (token) => expectRefused(token));

  test('is refused unread where it is longer than any token', () => {
    const long = tokenWith({ more: 'x'.repeat(8192) });
    expectRefused(long);
  });

  test('is refused, whatever it is', () => {
    const parts = fc.array(fc.oneof(fc.base64String(), fc.string()), { maxLength: 5 }).map((all) => all.join('.'));
    fc.assert(fc.property(fc.oneof(parts, fc.string()), (token) => expectRefused(token)));
  });

  test('is refused where one character of a token was changed', () => {
    const token = tokenWith();
    // The last characters of base64 hold bits that mean nothing, and are left alone.
    fc.assert(
      fc.property(fc.nat(token.length - 3), fc.constantFrom(...'abcXYZ019-_.'.split('')), (at, character) => {
        fc.pre(token[at] !== character);
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        const sameBytes = changed
          .split('.')
          .every((each, index) =>
            Buffer.from(each, 'base64url').equals(Buffer.from(token.split('.')[index] ?? '', 'base64url')),
          );
        fc.pre(!sameBytes);
        expectRefused(changed);
      }),
    );
  });
});
