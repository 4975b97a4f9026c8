import { SchedulerRegistry } from '@nestjs/schedule';
import { AuditQueries } from '../../src/admin/audit.queries.js';
import { Scheduler } from '../../src/scheduler/index.js';
import { AuditEntry } from '../../src/store/audit-entry.entity.js';
import {
  PerformanceProfile,
  ProfileStore,
  SettingsStore,
  TenantRegistry,
  TenantSettings,
} from '../../src/tenants/index.js';
import { tenantsWith } from './settings.js';
import type { Storage } from './storage.js';

/** All that keeps what tenants have set, over a storage, put together as the module does; without the timer. */
export function openTenancy({ dataSource, queue }: Storage) {
  const [settings, profiles] = [dataSource.getRepository(TenantSettings), dataSource.getRepository(PerformanceProfile)];
  const tenants = tenantsWith();
  const scheduler = new Scheduler(new SchedulerRegistry());
  const registry = new TenantRegistry(settings, profiles, queue, scheduler, tenants);
  return {
    tenants,
    registry,
    settings: new SettingsStore(settings, queue, registry),
    profiles: new ProfileStore(profiles, queue, registry),
    audit: new AuditQueries(dataSource.getRepository(AuditEntry)),
  };
}
