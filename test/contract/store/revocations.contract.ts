import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Revocation, RevocationList, Revocations, StoredRevocation } from '../../../src/auth/index.js';
import type { Principal, TenantId } from '../../../src/protocol/index.js';
import { Scheduler } from '../../../src/scheduler/index.js';
import { principalWith } from '../../support/principals.js';
import { expectIndexed, plansOf } from '../../support/query-plans.js';
import { type Storage, newTenant } from '../../support/storage.js';

const DAY = 86_400_000;
const ADMIN = principalWith({ subject: 'the admin' });

/** What is revoked stays so, for every instance. */
export function revocationsContract(storage: () => Storage, another: () => Promise<Storage>): void {
  let tenant: TenantId;
  let holder: Principal;
  let started: Revocations[];

  beforeEach(() => {
    tenant = newTenant();
    holder = principalWith({ tenant, tokenId: `token of ${tenant}`, issuedAt: Date.now() });
    started = [];
  });

  afterEach(() => {
    for (const one of started) one.onModuleDestroy();
    vi.useRealTimers();
  });

  /** An instance, with what it knows and what it was told of. */
  const start = async (of = storage()) => {
    const list = new RevocationList();
    const stored = of.dataSource.getRepository(StoredRevocation);
    const revocations = new Revocations(stored, of.queue, new Scheduler(new SchedulerRegistry()), list);
    const told: Revocation[] = [];
    revocations.onRevocation((all) => told.push(...all.filter((one) => one.tenant === tenant)));
    await revocations.onApplicationBootstrap();
    started.push(revocations);
    return { revocations, list, told };
  };
  const subject = () => ({ kind: 'sub' as const, value: holder.subject, tenant });
  const rows = () =>
    storage().rows('SELECT kind, value, revoked_at FROM metricast_revocation WHERE tenant_id = $1', [tenant]);

  it('counts on the instance that it was made on, which is told once', async () => {
    const { revocations, list, told } = await start();
    expect(list.revokes(holder)).toBe(false);
    await revocations.revoke(subject(), ADMIN);
    await revocations.renew();

    expect(list.revokes(holder)).toBe(true);
    expect(told).toEqual([{ ...subject(), revokedAt: expect.any(Number) as number }]);
  });

  it('counts on an instance that starts later', async () => {
    await (await start()).revocations.revoke(subject(), ADMIN);
    expect((await start()).list.revokes(holder)).toBe(true);
  });

  it('counts on another instance as soon as it has looked, which it does by itself', async () => {
    const other = await another();
    const { list, told } = await start(other);
    await (await start()).revocations.revoke(subject(), ADMIN);
    await vi.waitFor(() => expect(told).toHaveLength(1), { timeout: 5000 });

    expect(list.revokes(holder)).toBe(true);
    for (const one of started) one.onModuleDestroy();
    await other.close();
  });

  it('is found however long the database did not answer before', async () => {
    const { revocations, list } = await start();
    // Whatever was written down meanwhile is older than what is usually asked for.
    await storage().write(function* () {
      yield {
        into: 'metricast_revocation',
        columns: ['kind', 'value', 'tenant_id', 'revoked_at'],
        rows: [['jti', holder.tokenId!, tenant, Date.now() + 1]],
      };
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_000 });
    await revocations.renew();

    expect(list.revokes(holder)).toBe(true);
  });

  it('repeated is one, of the later moment, in whichever order they come', async () => {
    const { revocations } = await start();
    vi.useFakeTimers({ toFake: ['Date'] });
    const now = Date.now();
    for (const at of [now, now + 5000, now + 1000]) {
      vi.setSystemTime(at);
      await revocations.revoke(subject(), ADMIN);
    }
    expect((await rows()).map(({ revoked_at }) => Number(revoked_at))).toEqual([now + 5000]);
  });

  it('of all tokens of a tenant stands for those before it', async () => {
    const { revocations } = await start();
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: now - 120_000 });
    await revocations.revoke({ kind: 'jti', value: 'old', tenant }, ADMIN);
    await revocations.revoke({ kind: 'jti', value: 'of all', tenant: null }, ADMIN);
    vi.setSystemTime(now);
    await revocations.revoke({ kind: 'jti', value: 'new', tenant }, ADMIN);
    await revocations.revoke({ kind: 'tenant', value: tenant, tenant }, ADMIN);

    expect((await rows()).map(({ value }) => String(value)).sort()).toEqual(['new', tenant]);
    const { list } = await start();
    expect(list.revokes({ ...holder, issuedAt: now + 60_000, tokenId: 'of all' })).toBe(true);
  });

  it('is let go when it is older than any token', async () => {
    const { revocations, list } = await start();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 401 * DAY });
    await revocations.revoke(subject(), ADMIN);
    vi.setSystemTime(Date.now() + 2 * DAY);
    await revocations.revoke({ kind: 'jti', value: 'younger', tenant }, ADMIN);
    vi.useRealTimers();
    await revocations.drop();

    expect(await rows()).toMatchObject([{ kind: 'jti', value: 'younger' }]);
    expect(list.revokes({ ...holder, issuedAt: 0 })).toBe(false);
    expect(list.revokes({ ...holder, tokenId: 'younger' })).toBe(true);
  });

  it('is found by an index', async () => {
    const { revocations } = await start();
    expectIndexed(
      await plansOf(storage(), async () => {
        await revocations.renew();
        await revocations.drop();
      }),
    );
  });
}
