import { describe, expect, test } from 'vitest';
import { type Revocation, RevocationList } from '../../../src/auth/index.js';
import type { Principal } from '../../../src/protocol/index.js';
import { ACME, principalWith, tenantId } from '../../support/principals.js';

const GLOBEX = tenantId('globex');
const AT = 1_700_000_000_000;

function revoked(revocation: Partial<Revocation>): RevocationList {
  const list = new RevocationList();
  list.add({ kind: 'sub', value: 'ada', tenant: null, revokedAt: AT, ...revocation });
  return list;
}

const holder = (particulars: Partial<Principal> = {}) =>
  principalWith({ issuedAt: AT - 1, tokenId: 't1', ...particulars });

describe('a revocation', () => {
  test('is of nobody where there is none', () => {
    expect(new RevocationList().revokes(holder())).toBe(false);
  });

  test.each<[what: string, revocation: Partial<Revocation>, principal: Partial<Principal>, isRevoked: boolean]>([
    ['of a token', { kind: 'jti', value: 't1' }, {}, true],
    ['of a token, whenever it was issued', { kind: 'jti', value: 't1' }, { issuedAt: AT + 1 }, true],
    ['of another token', { kind: 'jti', value: 't2' }, {}, false],
    ['of a token, for one without an id', { kind: 'jti', value: 't1' }, { tokenId: undefined }, false],
    ['of a token in its tenant', { kind: 'jti', value: 't1', tenant: ACME }, {}, true],
    ['of a token in another tenant', { kind: 'jti', value: 't1', tenant: GLOBEX }, {}, false],
    ['of a subject', {}, {}, true],
    ['of a subject, for a token of that very moment', {}, { issuedAt: AT }, true],
    ['of a subject, for a newer token', {}, { issuedAt: AT + 1 }, false],
    ['of a subject, for a token that does not say since when', {}, { issuedAt: 0 }, true],
    ['of another subject', { value: 'bob' }, {}, false],
    ['of a subject in its tenant', { tenant: ACME }, {}, true],
    ['of a subject in another tenant', { tenant: GLOBEX }, {}, false],
    ['of a subject that is called as the token', { value: 't1' }, {}, false],
    ['of a tenant', { kind: 'tenant', value: 'acme', tenant: ACME }, {}, true],
    ['of a tenant, for a newer token', { kind: 'tenant', value: 'acme', tenant: ACME }, { issuedAt: AT + 1 }, false],
    ['of another tenant', { kind: 'tenant', value: 'globex', tenant: GLOBEX }, {}, false],
    ['of a subject, for who needs no token', {}, { authenticated: false }, false],
  ])('%s: %j of %j is %s', (_what, revocation, principal, isRevoked) => {
    expect(revoked(revocation).revokes(holder(principal))).toBe(isRevoked);
  });

  test('is new once, and again where it is of a later moment', () => {
    const list = revoked({});
    const again = (revokedAt: number) => list.add({ kind: 'sub', value: 'ada', tenant: null, revokedAt });
    expect(again(AT)).toBe(false);
    expect(again(AT - 1)).toBe(false);
    expect(again(AT + 5)).toBe(true);
    expect(list.revokes(holder({ issuedAt: AT + 5 }))).toBe(true);
  });

  test('of two, a later and a wider one, both count', () => {
    const list = revoked({ tenant: ACME });
    list.add({ kind: 'sub', value: 'ada', tenant: null, revokedAt: AT - 10 });
    expect(list.revokes(holder())).toBe(true);
    expect(list.revokes(holder({ tenant: GLOBEX, issuedAt: AT - 5 }))).toBe(false);
  });

  test('is forgotten when it is older than any token', () => {
    const list = revoked({});
    list.forget(AT);
    expect(list.revokes(holder())).toBe(true);
    list.forget(AT + 1);
    expect(list.revokes(holder())).toBe(false);
  });
});
