import { describe, expect, test } from 'vitest';
import { LOCAL_TENANT, parseTenantId } from '../../../src/protocol/index.js';

describe('a tenant id', () => {
  test.each(['a', 'A', '0', 'acme', 'Acme.Corp_2-x', 'a'.repeat(128), LOCAL_TENANT])('may be %s', (id) =>
    expect(parseTenantId(id)).toBe(id),
  );

  // A space would make two keys one, a slash or dots would walk about in a path.
  test.each(['', ' ', 'a b', '.', '..', '../a', 'a/b', '_a', '-a', '__proto__', 'ä', 'a\n', 'a\0', 'a'.repeat(129)])(
    'is not %j',
    (id) => expect(parseTenantId(id)).toBeUndefined(),
  );

  test.each([undefined, null, 7, {}, ['acme'], new String('acme')])('is not %o', (value) =>
    expect(parseTenantId(value)).toBeUndefined(),
  );
});
