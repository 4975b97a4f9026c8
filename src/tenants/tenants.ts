import { Inject, Injectable } from '@nestjs/common';
import { type ChannelName, type SettingsReason, type TenantId, featureOf } from '../protocol/index.js';
import {
  type EffectiveSettings,
  NOTHING_SET,
  type OwnSettings,
  type SettingsDefaults,
  effectiveSettings,
} from './effective-settings.js';
import { BUILT_IN_PROFILES, DEFAULT_PROFILE, type Profile } from './performance-profile.js';

export const SETTINGS_DEFAULTS = Symbol('metricast.settings-defaults');

/** What a tenant has set, and since when. */
export interface StoredSettings extends OwnSettings {
  readonly tenantId: string;
  readonly createdAt: number;
  /** Grows with each change: the newer of two is the one with the greater. */
  readonly updatedAt: number;
}

/** A profile that an operator made, and when it was changed last. */
export interface CustomProfile extends Profile {
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Told that something else applies to a tenant from now on. */
export type SettingsListener = (tenant: TenantId, settings: EffectiveSettings, reason: SettingsReason) => void;

/** What applies to each tenant, at hand at any moment: what was set is kept in memory. */
@Injectable()
export class Tenants {
  readonly #stored = new Map<TenantId, StoredSettings>();
  readonly #effective = new Map<TenantId, EffectiveSettings>();
  readonly #unset: EffectiveSettings;
  readonly #listeners: SettingsListener[] = [];
  #customProfiles: ReadonlyMap<string, CustomProfile> = new Map();

  constructor(@Inject(SETTINGS_DEFAULTS) private readonly defaults: SettingsDefaults) {
    this.#unset = this.#put(NOTHING_SET);
  }

  /** What applies to a tenant; the defaults to one that was never seen. */
  effective(tenant: TenantId): EffectiveSettings {
    return this.#effective.get(tenant) ?? this.#unset;
  }

  /** What a tenant has set; `undefined` for one that was never seen. */
  stored(tenant: TenantId): StoredSettings | undefined {
    return this.#stored.get(tenant);
  }

  /** Whether what is published on a tenant's channel is sent to anybody. */
  isPushed(tenant: TenantId, channel: ChannelName): boolean {
    return this.refusalOf(tenant, channel) === undefined;
  }

  /** Why nothing of a channel is sent to anybody; `undefined` where it is. */
  refusalOf(tenant: TenantId, channel: ChannelName): 'streaming_disabled' | 'feature_disabled' | undefined {
    const { isStreaming } = this.effective(tenant);
    if (!isStreaming) return 'streaming_disabled';
    return this.isOn(tenant, channel) ? undefined : 'feature_disabled';
  }

  /** False for a channel whose feature the tenant has switched off. */
  isOn(tenant: TenantId, channel: ChannelName): boolean {
    const feature = featureOf(channel);
    return feature === undefined || this.effective(tenant).features[feature];
  }

  /** The profile with this name, built in or not. */
  profile(name: string): Profile | undefined {
    return BUILT_IN_PROFILES.get(name) ?? this.#customProfiles.get(name);
  }

  /** Calls the listener whenever something else applies to a tenant, wherever that was changed. */
  onChange(listener: SettingsListener): void {
    this.#listeners.push(listener);
  }

  /** Takes over what a tenant has set. What is older than what is known is passed over. */
  learn(stored: StoredSettings, reason: SettingsReason): void {
    const tenant = stored.tenantId as TenantId;
    const known = this.#stored.get(tenant);
    if (known && known.updatedAt >= stored.updatedAt) return;
    this.#stored.set(tenant, stored);
    this.#apply(stored, reason);
  }

  /** Takes over all custom profiles as they are now. */
  learnProfiles(customs: readonly CustomProfile[]): void {
    const changed = new Set(
      customs.filter(({ name, updatedAt }) => this.#customProfiles.get(name)?.updatedAt !== updatedAt).map(nameOf),
    );
    this.#customProfiles = new Map(customs.map((profile) => [profile.name, profile]));
    if (changed.size === 0) return;
    for (const stored of this.#stored.values()) {
      if (changed.has(stored.performanceProfile ?? '')) this.#apply(stored, 'profile_changed');
    }
  }

  #apply(stored: StoredSettings, reason: SettingsReason): void {
    const tenant = stored.tenantId as TenantId;
    const before = this.effective(tenant);
    const after = this.#put(stored);
    this.#effective.set(tenant, after);
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    for (const listener of this.#listeners) listener(tenant, after, reason);
  }

  #put(own: OwnSettings): EffectiveSettings {
    const profile = this.profile(own.performanceProfile ?? DEFAULT_PROFILE) ?? BUILT_IN_PROFILES.get(DEFAULT_PROFILE)!;
    return effectiveSettings(own, profile, this.defaults);
  }
}

function nameOf({ name }: Profile): string {
  return name;
}
