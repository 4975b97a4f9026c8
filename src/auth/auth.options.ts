import { createPublicKey } from 'node:crypto';

/** Signature algorithms that a token may be pinned to. */
export const JWT_ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const;
/** One of {@link JWT_ALGORITHMS}. */
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** How tokens are checked. Without `secret` and `publicKey`, a server on loopback is open to everyone on it. */
export interface AuthOptions {
  /** The key of the HS algorithms, at least 32 bytes. */
  readonly secret?: string;
  /** The PEM public key of the RS, PS and ES algorithms. */
  readonly publicKey?: string;
  /** The only algorithm that is accepted. Default `HS256`. */
  readonly algorithm?: JwtAlgorithm;
  /** Where given, a token's `aud` must be it. */
  readonly audience?: string;
  /** Where given, a token's `iss` must be it. */
  readonly issuer?: string;
}

export const AUTH_OPTIONS = Symbol('metricast.auth-options');

const MIN_SECRET_BYTES = 32;

/** What is wrong with these options; `undefined` where nothing is. */
export function authOptionsError({ secret, publicKey, algorithm = 'HS256' }: AuthOptions): string | undefined {
  // The types say so, but not every host is compiled.
  if (!JWT_ALGORITHMS.includes(algorithm)) return `the algorithm must be one of ${JWT_ALGORITHMS.join(', ')}`;
  const isSymmetric = algorithm.startsWith('HS');
  if (secret !== undefined && Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    return `the JWT secret must have at least ${MIN_SECRET_BYTES} bytes`;
  }
  if (isSymmetric && publicKey !== undefined) return `a public key cannot check ${algorithm}`;
  if (!isSymmetric && publicKey === undefined) return `${algorithm} needs a public key`;
  if (publicKey !== undefined && !isPublicKeyFor(publicKey, algorithm)) {
    return `the public key must be a PEM that can check ${algorithm}`;
  }
  return undefined;
}

const KEY_TYPES: Readonly<Record<string, readonly string[]>> = { RS: ['rsa'], PS: ['rsa', 'rsa-pss'], ES: ['ec'] };

/** True for the PEM of a public key with which this algorithm can check a signature. */
export function isPublicKeyFor(pem: string, algorithm: JwtAlgorithm): boolean {
  // Node would take the public half of a private key, which has no business here.
  if (pem.includes('PRIVATE KEY')) return false;
  try {
    return KEY_TYPES[algorithm.slice(0, 2)]?.includes(createPublicKey(pem).asymmetricKeyType ?? '') ?? false;
  } catch {
    return false;
  }
}
