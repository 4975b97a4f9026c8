/** What a profile does with what there is: pushes it, shows it to those alone who ask, or does not collect it for these either. */
export const MODES = ['stream', 'batch', 'off'] as const;
/** One of {@link MODES}. */
export type Mode = (typeof MODES)[number];

/** A pace that tenants can be put on. */
export interface Profile {
  /** Lower case letters, digits, `_` and `-`; what tenants name it by. */
  readonly name: string;
  readonly mode: Mode;
  /** Seconds between two states of a channel, 0.1 to 3600. */
  readonly collectionIntervalSeconds: number;
  /** States of a channel that a connection is sent in a minute at most; 0 for no limit. */
  readonly maxEventsPerMinute: number;
  readonly description: string;
}

/** The profile of a tenant that names none. */
export const DEFAULT_PROFILE = 'high_frequency';

/** Those that are always there, and never change. */
export const BUILT_IN_PROFILES: ReadonlyMap<string, Profile> = new Map(
  [
    {
      name: DEFAULT_PROFILE,
      mode: 'stream' as const,
      collectionIntervalSeconds: 1,
      maxEventsPerMinute: 60,
      description: 'A state each second',
    },
    {
      name: 'low_frequency',
      mode: 'stream' as const,
      collectionIntervalSeconds: 5,
      maxEventsPerMinute: 30,
      description: 'A state every 5 seconds',
    },
    {
      name: 'batch_only',
      mode: 'batch' as const,
      collectionIntervalSeconds: 60,
      maxEventsPerMinute: 0,
      description: 'Recorded and kept as history, nothing pushed',
    },
    {
      name: 'disabled',
      mode: 'off' as const,
      collectionIntervalSeconds: 60,
      maxEventsPerMinute: 0,
      description: 'Neither collected nor pushed',
    },
  ].map((profile) => [profile.name, profile]),
);

const PROFILE_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** What a profile's name is, in words. */
export const PROFILE_NAME_FORM = '1 to 64 characters of a-z 0-9 _ -, the first a letter or a digit';

export function isProfileName(value: unknown): value is string {
  return typeof value === 'string' && PROFILE_NAME.test(value);
}
