import { createPublicKey } from 'node:crypto';
import { JWT_ALGORITHMS, type JwtAlgorithm, isKeyFor, isSymmetric } from './algorithms.js';
import { KEY_SET_LOCATION_FORM, isKeySetLocation } from './key-set.js';

/** How tokens are checked. Without a key, a server on loopback is open to everyone on it. */
export interface AuthOptions {
  /** The key of the HS algorithms, at least 32 bytes. */
  readonly secret?: string;
  /** The PEM public key of the other algorithms. */
  readonly publicKey?: string;
  /**
   * Where the public keys are, instead of one: a JSON Web Key Set (RFC 7517), by the path of a file or an https URL. Of its
   * keys those count that have a `kid` and can check the algorithm. It is read again every 10 minutes, and when a token
   * names a key that is not in it.
   */
  readonly jwks?: string;
  /** The only algorithm that is accepted. Default `HS256`. */
  readonly algorithm?: JwtAlgorithm;
  /** Where given, a token's `aud` must be it. */
  readonly audience?: string;
  /** Where given, a token's `iss` must be it. */
  readonly issuer?: string;
  /** Seconds that the clock of who signs tokens may differ, 0 to 300: `exp` ends later and `nbf` begins sooner. Default 0. */
  readonly clockTolerance?: number;
}

export const AUTH_OPTIONS = Symbol('metricast.auth-options');

const MIN_SECRET_BYTES = 32;
/** Of clocks that anybody sets. */
export const MAX_CLOCK_TOLERANCE = 300;

/** What is wrong with these options; `undefined` where nothing is. */
export function authOptionsError(options: AuthOptions): string | undefined {
  const { secret, publicKey, jwks, algorithm = 'HS256', clockTolerance = 0 } = options;
  // The types say so, but not every host is compiled.
  if (!JWT_ALGORITHMS.includes(algorithm)) return `the algorithm must be one of ${JWT_ALGORITHMS.join(', ')}`;
  if (secret !== undefined && Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    return `the JWT secret must have at least ${MIN_SECRET_BYTES} bytes`;
  }
  if (isSymmetric(algorithm)) {
    if (publicKey !== undefined) return `a public key cannot check ${algorithm}`;
    if (jwks !== undefined) return `a key set cannot check ${algorithm}`;
  } else if (publicKey === undefined && jwks === undefined) {
    return `${algorithm} needs a public key`;
  }
  if (publicKey !== undefined && jwks !== undefined) return 'either a public key or a key set, and not both';
  if (publicKey !== undefined && !isPublicKeyFor(publicKey, algorithm)) {
    return `the public key must be a PEM that can check ${algorithm}`;
  }
  if (jwks !== undefined && !isKeySetLocation(jwks)) return `jwks must be ${KEY_SET_LOCATION_FORM}`;
  if (!(clockTolerance >= 0 && clockTolerance <= MAX_CLOCK_TOLERANCE)) {
    return `clockTolerance must be a number from 0 to ${MAX_CLOCK_TOLERANCE}`;
  }
  return undefined;
}

/** True for the PEM of a public key with which this algorithm can check a signature. */
export function isPublicKeyFor(pem: string, algorithm: JwtAlgorithm): boolean {
  // Node would take the public half of a private key, which has no business here.
  if (pem.includes('PRIVATE KEY')) return false;
  try {
    return isKeyFor(createPublicKey(pem), algorithm);
  } catch {
    return false;
  }
}
