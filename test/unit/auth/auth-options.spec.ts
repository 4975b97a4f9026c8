import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type AuthOptions, authOptionsError } from '../../../src/auth/index.js';

const pemOf = (type: string, options: object = {}) =>
  generateKeyPairSync(type as 'rsa', options as { modulusLength: number })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
const RSA = pemOf('rsa', { modulusLength: 2048 });
const SMALL_RSA = pemOf('rsa', { modulusLength: 1024 });
const P256 = pemOf('ec', { namedCurve: 'P-256' });
const ED25519 = pemOf('ed25519');
const SECRET = 'a secret of the tests, 32 bytes or more';

describe('how tokens are checked', () => {
  test.each<[what: string, options: AuthOptions]>([
    ['nothing', {}],
    ['a secret', { secret: SECRET }],
    ['an RSA key', { publicKey: RSA, algorithm: 'PS512' }],
    ['an elliptic curve', { publicKey: P256, algorithm: 'ES256' }],
    ['an Edwards curve', { publicKey: ED25519, algorithm: 'EdDSA' }],
    ['a file of keys', { jwks: 'keys.json', algorithm: 'ES256' }],
    ['keys on the web', { jwks: 'https://id.example.com/.well-known/jwks.json', algorithm: 'RS256' }],
    ['keys on this machine', { jwks: 'http://127.0.0.1:9000/jwks', algorithm: 'RS256' }],
    ['keys on this machine, by name', { jwks: 'http://localhost/jwks', algorithm: 'RS256' }],
    ['keys on this machine, by IPv6', { jwks: 'http://[::1]:9000/jwks', algorithm: 'RS256' }],
    ['a tolerance', { secret: SECRET, clockTolerance: 300 }],
  ])('may be by %s', (_what, options) => expect(authOptionsError(options)).toBeUndefined());

  test.each<[why: string, options: AuthOptions]>([
    ['the algorithm must be one of HS256,', { secret: SECRET, algorithm: 'none' as never }],
    ['the JWT secret must have at least 32 bytes', { secret: 'short' }],
    ['a public key cannot check HS256', { secret: SECRET, publicKey: RSA }],
    ['a key set cannot check HS256', { jwks: 'keys.json' }],
    ['RS256 needs a public key', { secret: SECRET, algorithm: 'RS256' }],
    ['either a public key or a key set', { publicKey: RSA, jwks: 'keys.json', algorithm: 'RS256' }],
    ['a PEM that can check ES384', { publicKey: P256, algorithm: 'ES384' }],
    ['a PEM that can check EdDSA', { publicKey: P256, algorithm: 'EdDSA' }],
    ['a PEM that can check ES256', { publicKey: ED25519, algorithm: 'ES256' }],
    ['a PEM that can check RS256', { publicKey: SMALL_RSA, algorithm: 'RS256' }],
    ['jwks must be the path', { jwks: '', algorithm: 'RS256' }],
    ['jwks must be the path', { jwks: 'http://id.example.com/jwks', algorithm: 'RS256' }],
    ['jwks must be the path', { jwks: 'http://127.0.0.1.example.com/jwks', algorithm: 'RS256' }],
    ['jwks must be the path', { jwks: 'https://ada:hush@id.example.com/jwks', algorithm: 'RS256' }],
    ['jwks must be the path', { jwks: 'file:///etc/keys.json', algorithm: 'RS256' }],
    ['jwks must be the path', { jwks: 'ftp://localhost/keys.json', algorithm: 'RS256' }],
    ['clockTolerance must be a number from 0 to 300', { secret: SECRET, clockTolerance: -1 }],
    ['clockTolerance must be a number from 0 to 300', { secret: SECRET, clockTolerance: NaN }],
    ['clockTolerance must be a number from 0 to 300', { secret: SECRET, clockTolerance: 301 }],
  ])('may not be otherwise: %s', (why, options) => expect(authOptionsError(options)).toContain(why));
});
