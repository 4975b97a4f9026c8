import { Inject, Injectable } from '@nestjs/common';
import { MetricastError } from '../protocol/index.js';
import { isSignedBy } from './algorithms.js';
import { AUTH_OPTIONS, type AuthOptions } from './auth.options.js';
import { type TokenClaims, readClaims } from './token-claims.js';
import { TokenKeys } from './token-keys.js';

/** Header fields by which a token would choose its own key or rules. None is used here, and none is let pass. */
const REFUSED_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit'];
/** Longer ones are refused unread. */
const MAX_TOKEN_LENGTH = 8192;
/** Three parts, none of which is empty: header, claims and signature, each in base64url (RFC 7515, 7.1). */
const TOKEN = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

type Fields = Readonly<Record<string, unknown>>;

/** Checks JWTs (RFC 7519) against the keys and the one algorithm that are configured. */
@Injectable()
export class TokenVerifier {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: AuthOptions,
    private readonly keys: TokenKeys,
  ) {}

  /** False where no key is configured: then no token can be valid. */
  get hasKey(): boolean {
    return this.keys.areConfigured;
  }

  /** Resolves when the token can be checked; `undefined` where that is now, as it nearly always is. */
  seekKey(token: string): Promise<void> | undefined {
    if (!this.hasKey || token.length > MAX_TOKEN_LENGTH) return undefined;
    try {
      return this.keys.seek(fieldsOf(partsOf(token)[0])['kid']);
    } catch {
      return undefined;
    }
  }

  /**
   * @throws {@link MetricastError} `unauthenticated`, whatever is wrong with the token, with a cause; `keys_unavailable`
   * where the key that it names cannot be looked up now.
   */
  verify(token: string): TokenClaims {
    try {
      if (!this.hasKey || token.length > MAX_TOKEN_LENGTH) throw new Error('no key, or too long');
      return readClaims(this.#payloadOf(token), this.options, Date.now());
    } catch (cause) {
      if (cause instanceof MetricastError) throw cause;
      throw new MetricastError('unauthenticated', { cause });
    }
  }

  #payloadOf(token: string): Fields {
    const [header, payload, signature] = partsOf(token);
    const { algorithm = 'HS256' } = this.options;
    const fields = fieldsOf(header);
    // What the token says of its algorithm chooses nothing: it is the one that is configured, or the token is refused.
    if (fields['alg'] !== algorithm) throw new Error('another algorithm');
    if (REFUSED_HEADERS.some((name) => name in fields)) throw new Error('the token chooses its own key');
    const key = this.keys.find(fields['kid']);
    if (!key) throw this.keys.missing(fields['kid']);
    if (!isSignedBy(key, algorithm, `${header}.${payload}`, signature)) throw new Error('another signature');
    return fieldsOf(payload);
  }
}

function partsOf(token: string): [header: string, payload: string, signature: string] {
  const [, header, payload, signature] = TOKEN.exec(token) ?? [];
  if (!header || !payload || !signature) throw new Error('not three parts');
  return [header, payload, signature];
}

/** @throws where it is no object: such a token is none. */
function fieldsOf(part: string): Fields {
  const value = JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not an object');
  return value as Fields;
}
