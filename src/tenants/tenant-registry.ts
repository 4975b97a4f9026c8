import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, Repository } from 'typeorm';
import { type Millis, type TenantId, describeThrown } from '../protocol/index.js';
import { Renewal, Scheduler } from '../scheduler/index.js';
import { DATA_SOURCE, type Write, WriteQueue } from '../store/index.js';
import { NOTHING_SET } from './effective-settings.js';
import { inSlices } from './in-slices.js';
import { PerformanceProfile } from './performance-profile.entity.js';
import { TenantSettings } from './tenant-settings.entity.js';
import { type StoredSettings, Tenants } from './tenants.js';

/** Keeps what is known of the tenants as it stands in the database, whichever instance has changed it there. */
@Injectable()
export class TenantRegistry implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger(TenantRegistry.name);
  readonly #renewal: Renewal;
  /** Those whose settings are being made. */
  readonly #seeing = new Map<TenantId, Promise<StoredSettings>>();
  /** Those that were noticed, and whose settings are not made yet. */
  readonly #noticed = new Set<TenantId>();
  #hasWarned = false;
  /** Readings of profiles that were begun, and which of them was taken over last: an older one must not undo a newer one. */
  #readings = 0;
  #taken = 0;

  constructor(
    @InjectRepository(TenantSettings, DATA_SOURCE) private readonly settings: Repository<TenantSettings>,
    @InjectRepository(PerformanceProfile, DATA_SOURCE) private readonly profiles: Repository<PerformanceProfile>,
    private readonly queue: WriteQueue,
    scheduler: Scheduler,
    private readonly tenants: Tenants,
  ) {
    this.#renewal = new Renewal('settings', scheduler, this.#logger, (since) => this.#readSince(since));
  }

  onApplicationBootstrap(): Promise<void> {
    return this.#renewal.begin();
  }

  onModuleDestroy(): void {
    this.#renewal.end();
  }

  /** Reads what other instances have changed, and makes what could not be made yet. */
  renew(): Promise<void> {
    return this.#renewal.renew();
  }

  /** What a tenant has set; `undefined` for one that was never seen, on any instance. */
  async find(tenant: TenantId): Promise<StoredSettings | undefined> {
    if (!this.tenants.stored(tenant)) await this.learn(await this.settings.findBy({ tenantId: tenant }));
    return this.tenants.stored(tenant);
  }

  /** The same. The first time that a tenant is seen, its settings are made, with nothing set. */
  see(tenant: TenantId): Promise<StoredSettings> {
    const known = this.tenants.stored(tenant);
    if (known) return Promise.resolve(known);
    const begun = this.#seeing.get(tenant) ?? this.#make(tenant).finally(() => this.#seeing.delete(tenant));
    this.#seeing.set(tenant, begun);
    return begun;
  }

  /** Sees a tenant, for those who do not wait for that: where it fails, each renewal tries again. Costs a look-up. */
  notice(tenant: TenantId): void {
    if (this.tenants.stored(tenant) || this.#noticed.has(tenant)) return;
    this.#noticed.add(tenant);
    void this.#settle(tenant);
  }

  /** Takes over rows as they were read. */
  async learn(rows: readonly StoredSettings[]): Promise<void> {
    // Whoever has put a tenant on a profile that is not known here has made it before.
    if (!rows.every((own) => this.tenants.profileOf(own))) await this.renewProfiles();
    await inSlices(rows, (stored) => this.tenants.learn(stored));
  }

  /** Reads the custom profiles; once it resolves, they apply as they were when it was called, or later. */
  async renewProfiles(): Promise<void> {
    const reading = ++this.#readings;
    const profiles = await this.profiles.find();
    if (reading < this.#taken) return;
    this.#taken = reading;
    await this.tenants.learnProfiles(profiles);
  }

  async #readSince(since: Millis): Promise<void> {
    // Before the settings, which may name one that is new.
    await this.renewProfiles();
    await this.learn(await this.settings.findBy({ updatedAt: MoreThan(since) }));
    for (const tenant of this.#noticed) void this.#settle(tenant);
  }

  async #settle(tenant: TenantId): Promise<void> {
    try {
      await this.see(tenant);
      this.#noticed.delete(tenant);
      this.#hasWarned = false;
    } catch (error) {
      if (!this.#hasWarned) {
        this.#logger.warn(`A tenant's settings could not be made, and will be soon: ${describeThrown(error)}`);
      }
      this.#hasWarned = true;
    }
  }

  async #make(tenant: TenantId): Promise<StoredSettings> {
    const made = await this.queue.write(1, () => making(tenant, Date.now()));
    await this.learn(made ? [made] : await this.settings.findBy({ tenantId: tenant }));
    return this.tenants.stored(tenant)!;
  }
}

/** `undefined` where another instance was faster. */
function* making(tenant: TenantId, now: Millis): Write<StoredSettings | undefined> {
  const rows = yield {
    into: 'metricast_tenant_settings',
    columns: ['tenant_id', 'created_at', 'updated_at'],
    rows: [[tenant, now, now]],
    onConflict: 'ON CONFLICT (tenant_id) DO NOTHING',
    returning: ['tenant_id'],
  };
  return rows.length > 0 ? { ...NOTHING_SET, tenantId: tenant, createdAt: now, updatedAt: now } : undefined;
}
