import { type KeyObject, createPublicKey, createSecretKey } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import {
  type Millis,
  MetricastError,
  NO_FILTER,
  ROLES,
  type Role,
  type TagFilter,
  type TenantId,
  isPlainText,
  parseTagFilter,
  parseTenantId,
} from '../protocol/index.js';
import { AUTH_OPTIONS, type AuthOptions } from './auth.options.js';

/** What a valid token says. */
export interface TokenClaims {
  readonly subject: string;
  /** The tenants that the holder may enter, its own first. */
  readonly tenants: readonly TenantId[];
  readonly roles: ReadonlySet<Role>;
  readonly filter: TagFilter;
  readonly expiresAt: Millis;
}

/** Header fields by which a token would choose its own key or rules. None is used here, and none is let pass. */
const REFUSED_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit'];
/** Longer ones are refused unread. */
const MAX_TOKEN_LENGTH = 8192;

/** Checks JWTs (RFC 7519) against the one key and algorithm that are configured. */
@Injectable()
export class TokenVerifier {
  #key: KeyObject | undefined;

  constructor(
    private readonly jwt: JwtService,
    @Inject(AUTH_OPTIONS) private readonly options: AuthOptions,
  ) {}

  /** False where no key is configured: then no token can be valid. */
  get hasKey(): boolean {
    return this.options.secret !== undefined || this.options.publicKey !== undefined;
  }

  /** @throws {@link MetricastError} `unauthenticated`, whatever is wrong with the token. */
  verify(token: string): TokenClaims {
    if (!this.hasKey || token.length > MAX_TOKEN_LENGTH) throw new MetricastError('unauthenticated');
    try {
      return readClaims(this.#verifySignature(token));
    } catch (cause) {
      throw new MetricastError('unauthenticated', { cause });
    }
  }

  #verifySignature(token: string): Record<string, unknown> {
    const { algorithm = 'HS256', audience, issuer } = this.options;
    const header = headerOf(token);
    if (REFUSED_HEADERS.some((name) => name in header)) throw new Error('the token chooses its own key');
    // Read once: a text would be read anew for each token, which takes longer than all the rest of opening a connection.
    const publicKey = (this.#key ??= keyOf(this.options, algorithm));
    // Nest's types know only texts; jsonwebtoken, which checks it, takes Node's keys as well.
    return this.jwt.verify(
      token,
      Object.assign({ algorithms: [algorithm], audience, issuer }, { publicKey } as object),
    );
  }
}

/** @throws SyntaxError, TypeError where it is no object: such a token is none. */
function headerOf(token: string): object {
  return JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString()) as object;
}

function keyOf({ secret, publicKey }: AuthOptions, algorithm: string): KeyObject {
  return algorithm.startsWith('HS') ? createSecretKey(secret!, 'utf8') : createPublicKey(publicKey!);
}

function readClaims(claims: Record<string, unknown>): TokenClaims {
  const { sub, exp, filter } = claims;
  if (!isPlainText(sub)) throw new Error('no sub');
  if (typeof exp !== 'number') throw new Error('no exp');
  const named = claims['tenant_id'] ?? claims['workspace_id'] ?? claims['workspaceId'];
  const own = parseTenantId(named);
  // A tenant that cannot be one is no reason to let its holder into the next.
  if (named != null && !own) throw new Error('a tenant that cannot be one');
  const further = listOf(claims['tenants'] ?? claims['workspaces']).map(parseTenantId);
  const tenants = [own, ...further].filter((tenant) => tenant !== undefined);
  if (tenants.length === 0) throw new Error('no tenant');
  const parsedFilter = filter == null ? NO_FILTER : parseTagFilter(filter);
  if (typeof parsedFilter === 'string') throw new Error(`filter: ${parsedFilter}`);
  return { subject: sub, tenants, roles: readRoles(claims), filter: parsedFilter, expiresAt: exp * 1000 };
}

function readRoles({ roles, role }: Record<string, unknown>): ReadonlySet<Role> {
  const named = listOf(roles ?? role).filter((name): name is Role => ROLES.includes(name as Role));
  const given = roles ?? role;
  return new Set(given == null ? ['viewer' as const] : named);
}

function listOf(value: unknown): readonly unknown[] {
  if (value == null) return [];
  return Array.isArray(value) ? value : [value];
}
