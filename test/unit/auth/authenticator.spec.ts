import { JwtService } from '@nestjs/jwt';
import { describe, expect, test } from 'vitest';
import { type AuthOptions, Authenticator, type OpenMode, RevocationList, hasRole } from '../../../src/auth/index.js';
import { MetricastError, ROLES, type Role } from '../../../src/protocol/index.js';
import { principalWith, tenantId } from '../../support/principals.js';
import { verifierWith } from '../../support/token-verifiers.js';

const SECRET = 'a secret of the tests, 32 bytes or more';

function authenticator({
  isOpen = false,
  options = { secret: SECRET } as AuthOptions,
  revocations = new RevocationList(),
} = {}): Authenticator {
  return new Authenticator(verifierWith(options), { isOpen } as OpenMode, revocations);
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
      tenants: ['acme', 'globex'],
      roles: new Set(['ingest']),
      filter: { env: ['a'] },
      expiresAt: expect.any(Number) as number,
      issuedAt: expect.any(Number) as number,
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

describe('who is known already, and brings a newer token', () => {
  const ada = principalWith({ tenant: tenantId('globex') });
  const renew = (claims: Record<string, unknown>) => () => authenticator().renew(ada, tokenFor(claims));

  test('is who the new one says, in the tenant that they are in', () => {
    expect(renew({ tenant_id: 'acme', tenants: ['globex'], roles: ['admin'], filter: { env: 'b' } })()).toMatchObject({
      subject: 'ada',
      tenant: 'globex',
      roles: new Set(['admin']),
      filter: { env: ['b'] },
    });
  });

  test('is refused where it is somebody else’s, or of another tenant', () => {
    expect(renew({ tenant_id: 'globex', sub: 'bob' })).toThrow('Not allowed: the token is of another subject');
    expect(renew({ tenant_id: 'acme' })).toThrow('No access to workspace globex');
    expect(() => authenticator().renew(ada, '')).toThrow('Invalid authentication token');
  });
});

describe('who brings a token that was revoked', () => {
  test('is refused in the tenant where it was, as one whose token is wrong', () => {
    const revocations = new RevocationList();
    const of = authenticator({ revocations });
    const token = tokenFor({ tenant_id: 'acme', tenants: ['globex'], jti: 't1' });
    expect(enter(of, token)).toBe('acme');
    revocations.add({ kind: 'jti', value: 't1', tenant: tenantId('acme'), revokedAt: Date.now() });

    expect(enter(of, token)).toBe('unauthenticated');
    expect(enter(of, token, ['globex'])).toBe('globex');
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
