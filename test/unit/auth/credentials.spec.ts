import { describe, expect, test } from 'vitest';
import { bearerToken, tenantsIn } from '../../../src/auth/index.js';

describe('the token of a header', () => {
  test.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER   abc.def-g_h ', 'abc.def-g_h'],
  ])('is what follows Bearer: %j', (header, token) => expect(bearerToken(header)).toBe(token));

  // It was sent, so it must be checked, and cannot be valid.
  test.each(['', 'abc', 'Bearer', 'Bearer ', 'Basic abc', 'Bearer abc def', 'Bearerabc', 'Token abc'])(
    'is an invalid one where it says something else: %j',
    (header) => expect(bearerToken(header)).toBe(''),
  );

  test('is none where there is no header', () => expect(bearerToken(undefined)).toBeUndefined());
});

describe('the tenants of a query', () => {
  const named = (query: string) => tenantsIn(new URLSearchParams(query));

  test.each([
    ['', []],
    ['tenant=acme&x=y', []],
    ['tenant_id=acme', ['acme']],
    ['workspace_id=acme', ['acme']],
    ['workspaceId=acme', ['acme']],
    ['tenant%5Fid=acme', ['acme']],
    ['tenant_id=', ['']],
    ['tenant_id=a&tenant_id=a', ['a', 'a']],
    ['tenant_id=a&workspace_id=b', ['a', 'b']],
  ])('are all that it names: %s', (query, tenants) => expect(named(query)).toEqual(tenants));

  test.each([
    'tenant_id[]=acme',
    'tenant_id[0]=acme',
    'tenant_id%5B%5D=acme',
    'workspaceId[a]=acme',
    'tenant_id[=acme',
  ])('have no name in a list: %s', (query) => expect(named(query)).toEqual(['']));
});
