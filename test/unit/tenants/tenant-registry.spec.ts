import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MetricastError } from '../../../src/protocol/index.js';
import { NOTHING_SET, PerformanceProfile, type Profile, TenantSettings } from '../../../src/tenants/index.js';
import { ACME } from '../../support/principals.js';
import { type Storage, openStorage } from '../../support/storage.js';
import { openTenancy } from '../../support/tenancy.js';

const NIGHT: Profile = {
  name: 'night',
  mode: 'stream',
  collectionIntervalSeconds: 30,
  maxEventsPerMinute: 2,
  description: '',
};

let storage: Storage;
beforeEach(async () => {
  storage = await openStorage('sqlite::memory:');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await storage.close();
});

const stored = () => storage.rows('SELECT tenant_id FROM metricast_tenant_settings', []);
const put = (tenancy: ReturnType<typeof openTenancy>, performanceProfile: string | null) =>
  tenancy.settings.change(ACME, {
    actor: 'ada',
    action: 'settings.replace',
    alter: () => ({ ...NOTHING_SET, performanceProfile }),
  });

describe('a tenant', () => {
  test('that is looked for only is not made', async () => {
    expect(await openTenancy(storage).registry.find(ACME)).toBeUndefined();
    expect(await stored()).toEqual([]);
  });

  test('that another instance has seen is found', async () => {
    await openTenancy(storage).registry.see(ACME);

    expect(await openTenancy(storage).registry.find(ACME)).toMatchObject({ tenantId: ACME });
  });

  test('that is noticed is made once', async () => {
    const { registry, tenants } = openTenancy(storage);
    for (let times = 0; times < 3; times++) registry.notice(ACME);
    await storage.queue.drain();
    await vi.waitFor(() => expect(tenants.stored(ACME)).toBeDefined());
    registry.notice(ACME);
    await storage.queue.drain();

    expect(storage.transactor.statements).toHaveLength(1);
  });

  test('that could not be made is made by a renewal, and the log says so once', async () => {
    const { registry, tenants } = openTenancy(storage);
    const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const write = vi.spyOn(storage.queue, 'write').mockRejectedValue(new MetricastError('busy'));
    registry.notice(ACME);
    await vi.waitFor(() => expect(warned).toHaveBeenCalledTimes(1));
    await registry.renew();
    expect(write).toHaveBeenCalledTimes(2);
    write.mockRestore();
    await registry.renew();
    await vi.waitFor(() => expect(tenants.stored(ACME)).toBeDefined());

    expect(await stored()).toHaveLength(1);
    expect(warned).toHaveBeenCalledTimes(1);
  });
});

describe('a profile that another instance has made', () => {
  test('is read before the settings that name it', async () => {
    const [one, other] = [openTenancy(storage), openTenancy(storage)];
    await one.profiles.create('grace', NIGHT);
    await put(one, 'night');
    const row = await storage.dataSource.getRepository(TenantSettings).findOneByOrFail({ tenantId: ACME });
    await other.registry.learn([row]);

    expect(other.tenants.effective(ACME)).toMatchObject({ performanceProfile: 'night', isStreaming: true });
  });

  test('is known to whoever asked for it, though somebody else asks later and is not answered yet', async () => {
    const repository = storage.dataSource.getRepository(PerformanceProfile);
    await openTenancy(storage).profiles.create('grace', NIGHT);
    const { registry, tenants } = openTenancy(storage);
    const find = vi.spyOn(repository, 'find');
    const first = registry.renewProfiles();
    find.mockReturnValue(new Promise(() => undefined));
    void registry.renewProfiles();
    await first;

    expect(tenants.profile('night')).toMatchObject(NIGHT);
  });

  test('is not forgotten when an earlier reading is answered late', async () => {
    const repository = storage.dataSource.getRepository(PerformanceProfile);
    const { registry, tenants } = openTenancy(storage);
    let answer!: (profiles: PerformanceProfile[]) => void;
    const find = vi.spyOn(repository, 'find').mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const late = registry.renewProfiles();
    await openTenancy(storage).profiles.create('grace', NIGHT);
    await registry.renewProfiles();
    answer([]);
    await late;

    expect(tenants.profile('night')).toMatchObject(NIGHT);
    expect(find).toHaveBeenCalled();
  });
});
