import type { ChannelName } from './channel.js';
import type { Tags } from './tags.js';
import type { TenantId } from './tenant.js';
import type { Millis } from './timestamp.js';

/** What a value means: the newest counts, it only grows, or it is one of many observations. */
export type SampleType = 'gauge' | 'counter' | 'histogram';

/** One value of one series at one instant. A counter's value is cumulative. */
export interface Sample {
  readonly kind: 'sample';
  readonly name: string;
  readonly type: SampleType;
  readonly value: number;
  readonly timestamp: Millis;
  readonly tags: Tags;
}

/** The whole state of a channel at one instant: the newest replaces all before it. */
export interface State {
  readonly kind: 'state';
  readonly timestamp: Millis;
  readonly tags: Tags;
  readonly data: Readonly<Record<string, unknown>>;
  /** Which view of the channel this is: the canonical key of the filter that it was collected for. */
  readonly filterKey: string;
  /** The same state as single points, made when an audience first asks for them. */
  readonly points: () => readonly Sample[];
}

/** Collecting a state failed: what an audience is told instead of it. */
export interface Failure {
  readonly kind: 'failure';
  readonly timestamp: Millis;
  readonly filterKey: string;
}

export type Message = Sample | State | Failure;

/** A message on a channel of a tenant, not numbered yet. */
export interface Publishable {
  readonly tenant: TenantId;
  readonly channel: ChannelName;
  readonly message: Message;
}

/** A message on a channel of a tenant, with its number there. */
export interface Publication extends Publishable {
  readonly offset: number;
}

/** Where a channel stands: `offset` counts its publications, and means something within one `epoch` only. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}
