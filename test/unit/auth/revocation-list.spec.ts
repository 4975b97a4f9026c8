import { queryObjects } from 'node:v8';
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
    ['of a subject, for one by a clock that is ahead', {}, { issuedAt: AT + 5000 }, true],
    ['of a subject, for a newer token', {}, { issuedAt: AT + 5001 }, false],
    ['of a subject, for a token that does not say since when', {}, { issuedAt: 0 }, true],
    ['of another subject', { value: 'bob' }, {}, false],
    ['of a subject in its tenant', { tenant: ACME }, {}, true],
    ['of a subject in another tenant', { tenant: GLOBEX }, {}, false],
    ['of a subject that is called as the token', { value: 't1' }, {}, false],
    ['of an operator, in one tenant', { tenant: ACME }, { roles: new Set(['operator']) }, false],
    [
      'of an operator, by its token, in one tenant',
      { kind: 'jti', value: 't1', tenant: ACME },
      { roles: new Set(['operator']) },
      false,
    ],
    ['of an operator, in all tenants', {}, { roles: new Set(['operator']) }, true],
    ['of a tenant', { kind: 'tenant', value: 'acme', tenant: ACME }, {}, true],
    ['of a tenant, for a newer token', { kind: 'tenant', value: 'acme', tenant: ACME }, { issuedAt: AT + 5001 }, false],
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
    expect(list.revokes(holder({ issuedAt: AT + 9000 }))).toBe(false);
    expect(again(AT + 4000)).toBe(true);
    expect(list.revokes(holder({ issuedAt: AT + 9000 }))).toBe(true);
  });

  test('of two, a later and a wider one, both count', () => {
    const list = revoked({ tenant: ACME });
    list.add({ kind: 'sub', value: 'ada', tenant: null, revokedAt: AT - 10_000 });
    expect(list.revokes(holder())).toBe(true);
    expect(list.revokes(holder({ tenant: GLOBEX, issuedAt: AT - 4999 }))).toBe(false);
  });

  test('of all tokens of a tenant stands for those before it, and for no others', () => {
    const list = new RevocationList();
    const old = { revokedAt: AT - 100_000, tenant: ACME } as const;
    list.add({ kind: 'jti', value: 't1', ...old });
    list.add({ kind: 'jti', value: 't1', ...old, tenant: GLOBEX });
    list.add({ kind: 'sub', value: 'late', tenant: ACME, revokedAt: AT });
    const newer = holder({ issuedAt: AT + 9000 });
    expect(list.revokes(newer)).toBe(true);
    list.add({ kind: 'tenant', value: 'acme', tenant: ACME, revokedAt: AT });

    expect(list.revokes(holder())).toBe(true);
    // By its own id alone it would be refused: that it was is not remembered any more.
    expect(list.revokes(newer)).toBe(false);
    expect(list.revokes(holder({ tenant: GLOBEX }))).toBe(true);
    list.forget(AT);
    expect(list.revokes(holder({ subject: 'late' }))).toBe(true);
  });

  test('of one more token has no room in a tenant with 10,000, until all of its tokens are revoked', () => {
    const list = new RevocationList();
    const one = (at: number, tenant = ACME) => ({ kind: 'jti' as const, value: `t${at}`, tenant });
    for (let at = 0; at < 10_000; at++) list.add({ ...one(at), revokedAt: AT });
    expect(
      [one(10_000), { ...one(1), kind: 'sub' as const }, one(1), one(10_000, GLOBEX)].map((more) =>
        list.hasRoomFor(more),
      ),
    ).toEqual([false, false, true, true]);
    expect(list.hasRoomFor({ kind: 'jti', value: 'x', tenant: null })).toBe(true);
    const all = { kind: 'tenant' as const, value: 'acme', tenant: ACME };
    expect(list.hasRoomFor(all)).toBe(true);
    list.add({ ...all, revokedAt: AT + 60_000 });
    expect(list.hasRoomFor(one(10_000))).toBe(true);
  });

  test('is forgotten when it is older than any token', () => {
    const list = revoked({});
    list.forget(AT);
    expect(list.revokes(holder())).toBe(true);
    list.forget(AT + 1);
    expect(list.revokes(holder())).toBe(false);
  });

  test('leaves nothing of its tenant behind when it is forgotten', () => {
    const list = new RevocationList();
    for (let at = 0; at < 10_000; at++) {
      list.add({ kind: 'jti', value: 't1', tenant: tenantId(`tenant-${at}`), revokedAt: AT });
    }
    const before = mapsInMemory();
    list.forget(AT + 1);
    expect(before - mapsInMemory()).toBeGreaterThan(9000);
    // Else the list itself would be gone by then.
    expect(list.revokes(holder())).toBe(false);
  });
});

/** What the collector of garbage would not take. */
function mapsInMemory(): number {
  return queryObjects(Map) as number;
}
