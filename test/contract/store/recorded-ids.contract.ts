import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { TenantId } from '../../../src/protocol/index.js';
import { claimIds } from '../../../src/store/index.js';
import { type Storage, newTenant } from '../../support/storage.js';

/** Ids that clients give make items idempotent. */
export function recordedIdsContract(storage: () => Storage): void {
  const claim = (tenant: TenantId, items: readonly Item[], kind = 'metrics') =>
    storage().write(() => claimIds(kind, tenant, items, Date.now()));

  it('items without an id are all new, and keep their places among the others', async () => {
    const items = [{ at: 0 }, { id: 'a', at: 1 }, { at: 2 }, { at: 3 }];
    expect(await claim(newTenant(), items)).toEqual(items);
  });

  it('of items with the same id the first is new', async () => {
    const items = [
      { id: 'b', at: 0 },
      { id: 'a', at: 1 },
      { id: 'b', at: 2 },
    ];
    expect(await claim(newTenant(), items)).toEqual(items.slice(0, 2));
  });

  it('an id that was claimed before is not new', async () => {
    const tenant = newTenant();
    await claim(tenant, [{ id: 'a', at: 0 }]);
    expect(
      await claim(tenant, [
        { id: 'a', at: 1 },
        { id: 'b', at: 2 },
      ]),
    ).toEqual([{ id: 'b', at: 2 }]);
  });

  it('two that claim an id at once do not both get it', async () => {
    const tenant = newTenant();
    const claims = await Promise.all(Array.from({ length: 10 }, (_, at) => claim(tenant, [{ id: 'a', at }])));
    expect(claims.flat()).toEqual([{ id: 'a', at: 0 }]);
  });

  it('the ids of tenants, and of kinds, do not meet', async () => {
    const [one, other] = [newTenant(), newTenant()];
    const items = [{ id: 'a', at: 0 }];
    await claim(one, items, 'metrics');
    expect(await claim(other, items, 'metrics')).toEqual(items);
    expect(await claim(one, items, 'skills')).toEqual(items);
  });

  it('an id whose write failed is not claimed', async () => {
    const tenant = newTenant();
    const items = [{ id: randomUUID(), at: 0 }];
    const failing = storage().write(function* () {
      yield* claimIds('metrics', tenant, items, 0);
      throw new Error('the rest of the write');
    });
    await expect(failing).rejects.toThrow();
    expect(await claim(tenant, items)).toEqual(items);
  });

  it('tells the ids of every alphabet apart', async () => {
    const items = ['a', 'A', 'á', 'a\u0301', '😀', '😁', ' a', "a'b", 'a"b', '$1', '?', 'a\\b', '%'].map((id, at) => ({
      id,
      at,
    }));
    const tenant = newTenant();
    expect(await claim(tenant, items)).toEqual(items);
    expect(await claim(tenant, items)).toEqual([]);
  });
}

interface Item {
  readonly id?: string;
  readonly at: number;
}
