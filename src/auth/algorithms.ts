import { type KeyObject, constants, createHmac, timingSafeEqual, verify } from 'node:crypto';

/** Signature algorithms (RFC 7518, RFC 8037) that a token may be pinned to. */
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
  'EdDSA',
] as const;
/** One of {@link JWT_ALGORITHMS}. */
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

type Family = 'HS' | 'RS' | 'PS' | 'ES' | 'Ed';

/** What goes with a signature. */
interface Signed {
  readonly content: Buffer;
  readonly signature: Buffer;
  readonly key: KeyObject;
  /** The hash that the algorithm's name ends with; EdDSA brings its own. */
  readonly hash: string;
}

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

const CHECKS: Readonly<Record<Family, (signed: Signed) => boolean>> = {
  HS: ({ content, signature, key, hash }) => {
    const expected = createHmac(hash, key).update(content).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  },
  RS: ({ content, signature, key, hash }) => verify(hash, content, key, signature),
  PS: ({ content, signature, key, hash }) => verify(hash, content, { key, ...PSS }, signature),
  ES: ({ content, signature, key, hash }) => verify(hash, content, { key, dsaEncoding: 'ieee-p1363' }, signature),
  Ed: ({ content, signature, key }) => verify(null, content, key, signature),
};

/** True where the key made this signature of the content, by this algorithm and no other. */
export function isSignedBy(key: KeyObject, algorithm: JwtAlgorithm, content: string, signature: string): boolean {
  return CHECKS[familyOf(algorithm)]({
    content: Buffer.from(content),
    signature: Buffer.from(signature, 'base64url'),
    key,
    hash: `sha${algorithm.slice(2)}`,
  });
}

/** True for the algorithms whose one key both signs and checks. */
export function isSymmetric(algorithm: JwtAlgorithm): algorithm is Extract<JwtAlgorithm, `HS${string}`> {
  return familyOf(algorithm) === 'HS';
}

const KEY_TYPES: Readonly<Record<Family, readonly string[]>> = {
  HS: [],
  RS: ['rsa'],
  PS: ['rsa', 'rsa-pss'],
  ES: ['ec'],
  Ed: ['ed25519', 'ed448'],
};
/** As OpenSSL calls them. */
const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };
/** RFC 7518, 3.3. */
const MIN_RSA_BITS = 2048;

/** True for a public key with which this algorithm can check a signature, and which is as strong as it demands. */
export function isKeyFor(key: KeyObject, algorithm: JwtAlgorithm): boolean {
  const { type, asymmetricKeyType = '', asymmetricKeyDetails: { namedCurve, modulusLength = MIN_RSA_BITS } = {} } = key;
  if (type !== 'public' || !KEY_TYPES[familyOf(algorithm)].includes(asymmetricKeyType)) return false;
  return namedCurve === CURVES[algorithm] && modulusLength >= MIN_RSA_BITS;
}

function familyOf(algorithm: JwtAlgorithm): Family {
  return algorithm.slice(0, 2) as Family;
}
