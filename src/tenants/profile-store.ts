import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { MetricastError } from '../protocol/index.js';
import { DATA_SOURCE, type Write, WriteQueue } from '../store/index.js';
import { PerformanceProfile } from './performance-profile.entity.js';
import { BUILT_IN_PROFILES, type Profile } from './performance-profile.js';
import { type Users, creation, removal, replacement } from './profile-writes.js';
import { TenantRegistry } from './tenant-registry.js';

/**
 * The performance profiles, built in and custom. A change of one and its line in the audit log are committed together; it
 * acts on open connections once it is.
 */
@Injectable()
export class ProfileStore {
  constructor(
    @InjectRepository(PerformanceProfile, DATA_SOURCE) private readonly customs: Repository<PerformanceProfile>,
    private readonly queue: WriteQueue,
    private readonly registry: TenantRegistry,
  ) {}

  /** All of them, by their names. */
  async list(): Promise<Profile[]> {
    const profiles = [...BUILT_IN_PROFILES.values(), ...(await this.customs.find())];
    return profiles.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async find(name: string): Promise<Profile | undefined> {
    return BUILT_IN_PROFILES.get(name) ?? (await this.customs.findOneBy({ name })) ?? undefined;
  }

  /** @throws {@link MetricastError} `conflict` where there is one with this name. */
  async create(actor: string, profile: Profile): Promise<void> {
    const isNew = !BUILT_IN_PROFILES.has(profile.name) && (await this.#write(() => creation(actor, profile)));
    if (!isNew) throw new MetricastError('conflict', { detail: 'there is a profile with this name' });
  }

  /** @throws {@link MetricastError} `conflict` for a built-in one, `not_found` where there is none with this name. */
  async replace(actor: string, profile: Profile): Promise<void> {
    requireCustom(profile.name);
    if (!(await this.#write(() => replacement(actor, profile)))) throw new MetricastError('not_found');
  }

  /**
   * @throws {@link MetricastError} `conflict` for a built-in one and for one that tenants are on, `not_found` where there
   * is none with this name.
   */
  async remove(actor: string, name: string): Promise<void> {
    requireCustom(name);
    const users = await this.#write(() => removal(actor, name));
    if (!users) throw new MetricastError('not_found');
    if (users.count > 0) throw new MetricastError('conflict', { detail: inWords(users) });
  }

  async #write<T>(write: () => Write<T>): Promise<T> {
    // No tenant's, for the sake of the order: changes of profiles and of settings come one after another.
    const result = await this.queue.write(2, write);
    await this.registry.renewProfiles();
    return result;
  }
}

function requireCustom(name: string): void {
  if (BUILT_IN_PROFILES.has(name))
    throw new MetricastError('conflict', { detail: 'a built-in profile does not change' });
}

function inWords({ count, tenants }: Users): string {
  const subject = count === 1 ? '1 tenant is' : `${count} tenants are`;
  return `${subject} on this profile: ${tenants.join(', ')}${count > tenants.length ? ', …' : ''}`;
}
