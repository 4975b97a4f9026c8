import {
  type Millis,
  NO_FILTER,
  ROLES,
  type Role,
  type TagFilter,
  type TenantId,
  isPlainText,
  parseTagFilter,
  parseTenantId,
} from '../protocol/index.js';
import type { AuthOptions } from './auth.options.js';

/** What a valid token says. */
export interface TokenClaims {
  readonly subject: string;
  /** The tenants that the holder may enter, its own first. */
  readonly tenants: readonly TenantId[];
  readonly roles: ReadonlySet<Role>;
  readonly filter: TagFilter;
  /** When it is not taken any more, the tolerance included. */
  readonly expiresAt: Millis;
  /** When it was signed; 0 where it does not say. */
  readonly issuedAt: Millis;
  /** Its `jti`. */
  readonly tokenId: string | undefined;
}

/** The token was good, once. */
export class EndedTokenError extends Error {
  override readonly name = 'EndedTokenError';
}

type Fields = Readonly<Record<string, unknown>>;

/** How far ahead the clock of who signs tokens may be for an `iat` to be believed. */
const MAX_AHEAD: Millis = 60_000;
/** The last instant that there is a date for. */
const LAST_INSTANT: Millis = 8.64e15;

/** Reads the claims of a token whose signature is right. @throws Error where it is not to be taken, for a log to say why; {@link EndedTokenError} where it was, before. */
export function readClaims(claims: Fields, options: AuthOptions, now: Millis): TokenClaims {
  requireAudience(claims, options);
  const { sub, jti, filter } = claims;
  if (!isPlainText(sub)) throw new Error('no sub');
  // It could not be revoked.
  if (jti != null && !isPlainText(jti)) throw new Error('a jti that cannot be one');
  const parsedFilter = filter == null ? NO_FILTER : parseTagFilter(filter);
  if (typeof parsedFilter === 'string') throw new Error(`filter: ${parsedFilter}`);
  return {
    subject: sub,
    tenants: readTenants(claims),
    roles: readRoles(claims),
    filter: parsedFilter,
    expiresAt: readTimes(claims, options, now),
    issuedAt: readIssuedAt(claims, now),
    tokenId: jti ?? undefined,
  };
}

function requireAudience({ aud, iss }: Fields, { audience, issuer }: AuthOptions): void {
  if (audience !== undefined && !listOf(aud).includes(audience)) throw new Error('for another audience');
  if (issuer !== undefined && iss !== issuer) throw new Error('of another issuer');
}

/** When the token ends. @throws Error where it has ended, or not begun. */
function readTimes({ exp, nbf }: Fields, { clockTolerance = 0 }: AuthOptions, now: Millis): Millis {
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw new Error('no exp');
  if (nbf !== undefined && typeof nbf !== 'number') throw new Error('an nbf that is no number');
  const tolerance = clockTolerance * 1000;
  const expiresAt = exp * 1000 + tolerance;
  if (expiresAt <= now) throw new EndedTokenError('expired');
  if (nbf !== undefined && nbf * 1000 - tolerance > now) throw new Error('not valid yet');
  return Math.min(expiresAt, LAST_INSTANT);
}

/** One that is of the future says nothing: whoever it belongs to could never be revoked. */
function readIssuedAt({ iat }: Fields, now: Millis): Millis {
  return typeof iat === 'number' && iat >= 0 && iat * 1000 <= now + MAX_AHEAD ? iat * 1000 : 0;
}

function readTenants(claims: Fields): TenantId[] {
  const named = claims['tenant_id'] ?? claims['workspace_id'] ?? claims['workspaceId'];
  const own = parseTenantId(named);
  // A tenant that cannot be one is no reason to let its holder into the next.
  if (named != null && !own) throw new Error('a tenant that cannot be one');
  const further = listOf(claims['tenants'] ?? claims['workspaces']).map(parseTenantId);
  const tenants = [own, ...further].filter((tenant) => tenant !== undefined);
  if (tenants.length === 0) throw new Error('no tenant');
  return tenants;
}

function readRoles({ roles, role }: Fields): ReadonlySet<Role> {
  const named = listOf(roles ?? role).filter((name): name is Role => ROLES.includes(name as Role));
  const given = roles ?? role;
  return new Set(given == null ? ['viewer' as const] : named);
}

function listOf(value: unknown): readonly unknown[] {
  if (value == null) return [];
  return Array.isArray(value) ? value : [value];
}
