import { ALL_FEATURES, type Features, MAX_CHANNELS } from '../protocol/index.js';
import { DEFAULT_PROFILE, type Mode, type Profile } from './performance-profile.js';

/** What a tenant may use at most; 0 for no limit. */
export interface Limits {
  /** Messages that a subject may send in a minute over all its connections. */
  readonly maxMessagesPerMinute: number;
  readonly maxChannelsPerConnection: number;
  readonly maxTagPairsPerConnection: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerSubject: number;
  readonly maxSeries: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxMessagesPerMinute: 1000,
  maxChannelsPerConnection: MAX_CHANNELS,
  maxTagPairsPerConnection: 32,
  maxConnections: 10_000,
  maxConnectionsPerSubject: 0,
  maxSeries: 10_000,
};

/** What a tenant has set for itself; null where it has not. */
export interface OwnSettings {
  readonly metricsStreaming: boolean | null;
  readonly collectionIntervalSeconds: number | null;
  readonly maxEventsPerMinute: number | null;
  readonly features: Partial<Features> | null;
  readonly performanceProfile: string | null;
  readonly limits: Partial<Limits> | null;
  readonly retentionDays: number | null;
  readonly allowedOrigins: readonly string[] | null;
}

/** Where a value comes from: nobody has set it, the profile that the tenant was put on has, or the tenant itself. */
export type Source = 'default' | 'profile' | 'tenant';

/** What applies to a tenant. */
export interface EffectiveSettings {
  readonly metricsStreaming: boolean;
  readonly collectionIntervalSeconds: number;
  /** States of a channel that a connection is sent in a minute at most, evenly spaced; 0 for no limit. */
  readonly maxEventsPerMinute: number;
  readonly features: Features;
  readonly performanceProfile: string;
  readonly limits: Limits;
  /** Days that history is kept at most; null: as long as each resolution is. */
  readonly retentionDays: number | null;
  /** Origins of web pages that may connect; empty: as the server is configured. */
  readonly allowedOrigins: readonly string[];
  /** Of the profile. */
  readonly mode: Mode;
  /** True where anything is pushed. */
  readonly isStreaming: boolean;
  readonly sources: Readonly<Record<keyof OwnSettings, Source>>;
}

/** What the server says where nobody else does. */
export interface SettingsDefaults {
  /** Seconds between two states of a channel. */
  readonly updateInterval: number;
  readonly limits: Limits;
}

export const NOTHING_SET: OwnSettings = {
  metricsStreaming: null,
  collectionIntervalSeconds: null,
  maxEventsPerMinute: null,
  features: null,
  performanceProfile: null,
  limits: null,
  retentionDays: null,
  allowedOrigins: null,
};

const USUAL_EVENTS_PER_MINUTE = 60;

/**
 * Puts together what applies: what the tenant has set, else what the profile says that it was put on, else the default.
 *
 * @param profile the one that the tenant names, or the usual one where it names none.
 */
export function effectiveSettings(own: OwnSettings, profile: Profile, defaults: SettingsDefaults): EffectiveSettings {
  const isNamed = own.performanceProfile !== null;
  const collectionIntervalSeconds =
    own.collectionIntervalSeconds ?? (isNamed ? profile.collectionIntervalSeconds : defaults.updateInterval);
  const cap = isNamed ? profile.maxEventsPerMinute : USUAL_EVENTS_PER_MINUTE;
  const hasPaceOfProfile = isNamed && own.collectionIntervalSeconds === null;
  const metricsStreaming = own.metricsStreaming ?? true;
  const paceSource = (value: number | null): Source => (value !== null ? 'tenant' : isNamed ? 'profile' : 'default');
  const source = (value: unknown): Source => (value === null ? 'default' : 'tenant');
  return {
    metricsStreaming,
    collectionIntervalSeconds,
    maxEventsPerMinute: own.maxEventsPerMinute ?? (hasPaceOfProfile ? cap : capFor(collectionIntervalSeconds, cap)),
    features: { ...ALL_FEATURES, ...own.features },
    performanceProfile: own.performanceProfile ?? DEFAULT_PROFILE,
    limits: { ...defaults.limits, ...own.limits },
    retentionDays: own.retentionDays,
    allowedOrigins: own.allowedOrigins ?? [],
    mode: profile.mode,
    isStreaming: metricsStreaming && profile.mode === 'stream',
    sources: {
      metricsStreaming: source(own.metricsStreaming),
      collectionIntervalSeconds: paceSource(own.collectionIntervalSeconds),
      maxEventsPerMinute: paceSource(own.maxEventsPerMinute),
      features: source(own.features),
      performanceProfile: source(own.performanceProfile),
      limits: source(own.limits),
      retentionDays: source(own.retentionDays),
      allowedOrigins: source(own.allowedOrigins),
    },
  };
}

/** Whoever asks for a shorter interval, and says nothing of a cap, wants to be sent what it brings. */
function capFor(interval: number, cap: number): number {
  return cap === 0 ? 0 : Math.max(cap, Math.ceil(60 / interval));
}
