import { Inject, Injectable } from '@nestjs/common';
import { type ChannelName, type SettingsReason, type TenantId, featureOf } from '../protocol/index.js';
import {
  type EffectiveSettings,
  NOTHING_SET,
  type OwnSettings,
  type SettingsDefaults,
  effectiveSettings,
} from './effective-settings.js';
import { inSlices } from './in-slices.js';
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

/** What applied to a tenant, and what does from now on. */
export interface SettingsStep {
  readonly before: EffectiveSettings;
  readonly after: EffectiveSettings;
}

/** Told that something else applies to a tenant from now on. */
export type SettingsListener = (tenant: TenantId, step: SettingsStep, reason: SettingsReason) => void;

/** What applies to each tenant, at hand at any moment: what was set is kept in memory. */
@Injectable()
export class Tenants {
  readonly #stored = new Map<TenantId, StoredSettings>();
  /** Of those that have set anything. */
  readonly #effective = new Map<TenantId, EffectiveSettings>();
  /** Of all others. */
  readonly #unset: EffectiveSettings;
  readonly #listeners: SettingsListener[] = [];
  #customProfiles: ReadonlyMap<string, CustomProfile> = new Map();

  constructor(@Inject(SETTINGS_DEFAULTS) private readonly defaults: SettingsDefaults) {
    this.#unset = effectiveSettings(NOTHING_SET, BUILT_IN_PROFILES.get(DEFAULT_PROFILE)!, defaults);
  }

  /** What applies to a tenant; the defaults to one that was never seen. */
  effective(tenant: TenantId): EffectiveSettings {
    return this.#effective.get(tenant) ?? this.#unset;
  }

  /** What a tenant has set; `undefined` for one that was never seen. */
  stored(tenant: TenantId): StoredSettings | undefined {
    return this.#stored.get(tenant);
  }

  /** For how many days history is kept at most, of the tenants that have said. */
  retentionDays(): ReadonlyMap<TenantId, number> {
    const days = new Map<TenantId, number>();
    for (const [tenant, { retentionDays }] of this.#stored) if (retentionDays !== null) days.set(tenant, retentionDays);
    return days;
  }

  /** Whether what is published on a tenant's channel is sent to anybody. */
  isPushed(tenant: TenantId, channel: ChannelName): boolean {
    return this.refusalOf(tenant, channel) === undefined;
  }

  /** Whether the state of a tenant's channel is collected where somebody watches: to be sent, or for history alone. */
  isCollected(tenant: TenantId, channel: ChannelName): boolean {
    const { metricsStreaming, mode } = this.effective(tenant);
    return metricsStreaming && mode !== 'off' && this.isOn(tenant, channel);
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

  /** The profile that a tenant is on; `undefined` where it names one that is not known here. */
  profileOf({ performanceProfile }: OwnSettings): Profile | undefined {
    return this.profile(performanceProfile ?? DEFAULT_PROFILE);
  }

  /** Calls the listener whenever something else applies to a tenant, wherever that was changed. */
  onChange(listener: SettingsListener): void {
    this.#listeners.push(listener);
  }

  /** Takes over what a tenant has set. What is older than what is known is passed over. */
  learn(stored: StoredSettings): void {
    const tenant = stored.tenantId as TenantId;
    const known = this.#stored.get(tenant);
    if (known && known.updatedAt >= stored.updatedAt) return;
    const after = this.#applied(stored, known && this.effective(tenant));
    this.#stored.set(tenant, stored);
    // By what is stored and not by what was asked for, so that all instances say the same.
    const isReset = setsNothing(stored) && known !== undefined && !setsNothing(known);
    this.#apply(tenant, after, isReset ? 'settings_reset' : 'settings_changed');
  }

  /** Takes over all custom profiles as they are now. Resolves when they apply to all tenants that are on one. */
  async learnProfiles(customs: readonly CustomProfile[]): Promise<void> {
    const changed = new Set(
      customs.filter(({ name, updatedAt }) => this.#customProfiles.get(name)?.updatedAt !== updatedAt).map(nameOf),
    );
    this.#customProfiles = new Map(customs.map((profile) => [profile.name, profile]));
    if (changed.size === 0) return;
    const users = [...this.#stored.keys()].filter((tenant) =>
      changed.has(this.#stored.get(tenant)!.performanceProfile ?? ''),
    );
    await inSlices(users, (tenant) => {
      // It may have been changed, or put on another profile, since the first of them had its turn.
      const after = this.#applied(this.#stored.get(tenant)!, this.effective(tenant));
      this.#apply(tenant, after, 'profile_changed');
    });
  }

  #apply(tenant: TenantId, after: EffectiveSettings, reason: SettingsReason): void {
    const before = this.effective(tenant);
    if (after === this.#unset) this.#effective.delete(tenant);
    else this.#effective.set(tenant, after);
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    for (const listener of this.#listeners) listener(tenant, { before, after }, reason);
  }

  /** @param before what applies until now; absent where the tenant was never seen. */
  #applied(own: OwnSettings, before: EffectiveSettings | undefined): EffectiveSettings {
    if (setsNothing(own)) return this.#unset;
    const profile = this.profileOf(own);
    if (profile) return effectiveSettings(own, profile, this.defaults);
    // It may be one that streams nothing. Until it is known, nothing begins.
    return before ?? effectiveSettings(own, UNKNOWN, this.defaults);
  }
}

const UNKNOWN = BUILT_IN_PROFILES.get('disabled')!;
const NAMES = Object.keys(NOTHING_SET) as (keyof OwnSettings)[];

function setsNothing(own: OwnSettings): boolean {
  return NAMES.every((name) => own[name] === null);
}

function nameOf({ name }: Profile): string {
  return name;
}
