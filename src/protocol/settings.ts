import { type ChannelName, WORKFLOW_METRICS } from './channel.js';

/** What a tenant may switch off, each for itself. */
export const FEATURES = ['compression', 'embeddings', 'workflows', 'response_cache'] as const;
/** One of {@link FEATURES}. */
export type Feature = (typeof FEATURES)[number];
/** Each feature of a tenant, on or off. */
export type Features = Readonly<Record<Feature, boolean>>;
/** Each one on. */
export const ALL_FEATURES = Object.fromEntries(FEATURES.map((feature) => [feature, true])) as Features;

/** Channels that are there only where a feature is on. */
const FEATURE_OF_CHANNEL: ReadonlyMap<ChannelName, Feature> = new Map([
  [WORKFLOW_METRICS, 'workflows'],
  ...FEATURES.map((feature) => [`${feature}.metrics` as ChannelName, feature] as const),
]);

/** The feature without which nothing is collected for this channel, nor sent. */
export function featureOf(channel: ChannelName): Feature | undefined {
  return FEATURE_OF_CHANNEL.get(channel);
}

/** What a connection is told of the settings of its tenant. */
export interface SettingsNotice {
  /** Seconds between two states of a channel. */
  readonly interval: number;
  /** The name of the performance profile. */
  readonly profile: string;
  /** False where nothing is pushed. */
  readonly streaming: boolean;
  readonly reason: SettingsReason;
}

/** Why a connection is told: what somebody has changed, the tenant's own settings or the profile that they name. */
export type SettingsReason = 'settings_changed' | 'settings_reset' | 'profile_changed';
