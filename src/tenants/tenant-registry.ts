import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, Repository } from 'typeorm';
import type { Millis, TenantId } from '../protocol/index.js';
import { Renewal, Scheduler } from '../scheduler/index.js';
import { DATA_SOURCE, WriteQueue } from '../store/index.js';
import { PerformanceProfile } from './performance-profile.entity.js';
import { TenantSettings } from './tenant-settings.entity.js';
import { type StoredSettings, Tenants } from './tenants.js';

/** Keeps what is known of the tenants as it stands in the database, whichever instance has changed it there. */
@Injectable()
export class TenantRegistry implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #renewal: Renewal;
  /** Those whose settings are being made. */
  readonly #seeing = new Map<TenantId, Promise<StoredSettings>>();
  /** Counts the readings of profiles that were begun: an older one must not undo a newer one. */
  #readings = 0;

  constructor(
    @InjectRepository(TenantSettings, DATA_SOURCE) private readonly settings: Repository<TenantSettings>,
    @InjectRepository(PerformanceProfile, DATA_SOURCE) private readonly profiles: Repository<PerformanceProfile>,
    private readonly queue: WriteQueue,
    scheduler: Scheduler,
    private readonly tenants: Tenants,
  ) {
    const logger = new Logger(TenantRegistry.name);
    this.#renewal = new Renewal('settings', scheduler, logger, (since) => this.#readSince(since));
  }

  onApplicationBootstrap(): Promise<void> {
    return this.#renewal.begin();
  }

  onModuleDestroy(): void {
    this.#renewal.end();
  }

  /** What a tenant has set. The first time that it is seen, its settings are made, with nothing set. */
  see(tenant: TenantId): Promise<StoredSettings> {
    const known = this.tenants.stored(tenant);
    if (known) return Promise.resolve(known);
    const begun = this.#seeing.get(tenant) ?? this.#make(tenant).finally(() => this.#seeing.delete(tenant));
    this.#seeing.set(tenant, begun);
    return begun;
  }

  /** Reads the custom profiles as they are now. */
  async renewProfiles(): Promise<void> {
    const reading = ++this.#readings;
    const profiles = await this.profiles.find();
    if (reading === this.#readings) this.tenants.learnProfiles(profiles);
  }

  async #readSince(since: Millis): Promise<void> {
    // Before the settings, which may name one that is new.
    await this.renewProfiles();
    const changed = await this.settings.findBy({ updatedAt: MoreThan(since) });
    for (const stored of changed) this.tenants.learn(stored, 'settings_changed');
  }

  async #make(tenant: TenantId): Promise<StoredSettings> {
    const now = Date.now();
    await this.queue.write(1, function* () {
      yield {
        into: 'metricast_tenant_settings',
        columns: ['tenant_id', 'created_at', 'updated_at'],
        rows: [[tenant, now, now]],
        onConflict: 'ON CONFLICT (tenant_id) DO NOTHING',
      };
    });
    const stored = await this.settings.findOneByOrFail({ tenantId: tenant });
    this.tenants.learn(stored, 'settings_changed');
    return stored;
  }
}
