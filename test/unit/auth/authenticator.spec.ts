import { JwtService } from '@nestjs/jwt';
import { describe, expect, test } from 'vitest';
import { type AuthOptions, Authenticator, type OpenMode, TokenVerifier, hasRole } from '../../../src/auth/index.js';
import { MetricastError, ROLES, type Role } from '../../../src/protocol/index.js';
import { principalWith } from '../../support/principals.js';

const SECRET = 'a secret of the tests, 32 bytes or more';

function authenticator({ isOpen = false, options = { secret: SECRET } as AuthOptions } = {}): Authenticator {
  return new Authenticator(new TokenVerifier(new JwtService(), options), { isOpen } as OpenMode);
}

function tokenFor(claims: Record<string, unknown>): string {
  const exp = Math.floor(Date.now() / 1000) + 60;
  return new JwtService({ secret: SECRET }).sign({ sub: 'ada', exp, ...claims });
}

/** The code of the refusal, or the tenant that was entered. */
function enter(of: Authenticator, token: string | undefined, tenants: string[] = [], isLocal = true): string {
  try {
    return of.authenticate({ token, tenants, isLocal }).tenant;
  } catch (error) {
    expect(error).toBeInstanceOf(MetricastError);
    return (error as MetricastError).code;
  }
}

describe('who brings a token', () => {
  const token = tokenFor({ tenant_id: 'acme', tenants: ['globex'], roles: ['ingest'], filter: { env: 'a' } });

  test('is who it says, with its roles, its filter and its end', () => {
    const principal = authenticator().authenticate({ token, tenants: [], isLocal: false });
    expect(principal).toEqual({
      subject: 'ada',
      tenant: 'acme',
      roles: new Set(['ingest']),
      filter: { env: ['a'] },
      expiresAt: expect.any(Number) as number,
      authenticated: true,
    });
    expect(principal.expiresAt).toBeGreaterThan(Date.now());
    expect(principal.expiresAt).toBeLessThanOrEqual(Date.now() + 61_000);
  });

  test.each([
    [[], 'acme'],
    [['acme'], 'acme'],
    [['globex'], 'globex'],
    [['initech'], 'no_tenant_access'],
    [[''], 'no_tenant_access'],
    [['../acme'], 'no_tenant_access'],
    [['ACME'], 'no_tenant_access'],
    [['acme '], 'no_tenant_access'],
    [['acme', 'acme'], 'no_tenant_access'],
    [['acme', 'globex'], 'no_tenant_access'],
    [['__proto__'], 'no_tenant_access'],
  ])('and names the tenants %j gets into %s', (tenants, outcome) => {
    expect(enter(authenticator(), token, tenants)).toBe(outcome);
  });

  test('learns the same of a tenant that exists and of one that does not', () => {
    const refusals = ['globex', 'no-such-tenant'].map((tenant) => {
      try {
        return authenticator().authenticate({
          token: tokenFor({ tenant_id: 'acme' }),
          tenants: [tenant],
          isLocal: true,
        });
      } catch (error) {
        return (error as Error).message.replace(tenant, 'X');
      }
    });
    expect(new Set(refusals).size).toBe(1);
  });

  test('that is invalid is refused before anything else is looked at', () => {
    expect(enter(authenticator(), 'garbage', ['initech'])).toBe('unauthenticated');
    expect(enter(authenticator(), '')).toBe('unauthenticated');
  });

  test('has it checked in open mode too', () => {
    const open = authenticator({ isOpen: true, options: {} });
    expect(enter(open, token)).toBe('unauthenticated');
    expect(enter(open, '')).toBe('unauthenticated');
  });
});

describe('who brings no token', () => {
  test('is refused', () => {
    expect(enter(authenticator(), undefined)).toBe('unauthenticated');
    expect(authenticator().needsToken).toBe(true);
  });

  const open = authenticator({ isOpen: true, options: {} });

  test('is the local user in open mode, with every role', () => {
    expect(open.needsToken).toBe(false);
    const principal = open.authenticate({ token: undefined, tenants: [], isLocal: true });
    expect(principal).toMatchObject({ subject: 'local', tenant: 'local', expiresAt: Infinity, authenticated: false });
    for (const role of ROLES) expect(hasRole(principal, role)).toBe(true);
  });

  test.each([
    [['local'], 'local'],
    [['acme'], 'no_tenant_access'],
    [['local', 'local'], 'no_tenant_access'],
  ])('and names the tenants %j gets into %s in open mode', (tenants, outcome) => {
    expect(enter(open, undefined, tenants)).toBe(outcome);
  });

  test('is refused in open mode where it is not of this machine', () => {
    expect(enter(open, undefined, [], false)).toBe('forbidden');
  });
});

describe('a role', () => {
  test.each<[Role, Role[]]>([
    ['viewer', ['viewer']],
    ['ingest', ['ingest']],
    ['admin', ['viewer', 'admin']],
    ['operator', ['viewer', 'ingest', 'admin', 'operator']],
  ])('%s includes %j and no other', (role, included) => {
    const principal = principalWith({ roles: new Set([role]) });
    expect(ROLES.filter((each) => hasRole(principal, each))).toEqual(included);
  });

  test('is none for who has none', () => {
    const principal = principalWith({ roles: new Set() });
    expect(ROLES.filter((each) => hasRole(principal, each))).toEqual([]);
  });
});
