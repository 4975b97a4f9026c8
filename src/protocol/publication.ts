import type { ChannelName } from './channel.js';
import type { Interval } from './interval.js';
import type { Quantiles, Summary } from './sketch.js';
import type { TagFilter, Tags } from './tags.js';
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
  /** By how much a counter grew with this value, where that is known. */
  readonly increase?: number;
  /** Of the values that it stands for, where these are several; of a histogram, `value` is their median then. */
  readonly summary?: SampleSummary;
  /** Where it stands for all values of a span of time: `value` is a gauge's mean, a counter's increase, or that median. */
  readonly window?: Window;
}

/** What several values of a series come to, with the percentiles of a histogram. */
export interface SampleSummary extends Summary, Partial<Quantiles> {
  /** Of a gauge: the newest of them. */
  readonly last?: number;
}

/** A span of time that begins at a multiple of its length; `timestamp` of its sample is when it begins. */
export interface Window {
  readonly interval: Interval;
  /** The view of a collected channel that was aggregated; absent for what is recorded, whose tags tell whom it is for. */
  readonly filterKey?: string;
}

/** Something that happened, once. Never merged with another, and never left out. */
export interface Event {
  readonly kind: 'event';
  /** `execution_started`, `alert`, … */
  readonly type: string;
  readonly timestamp: Millis;
  readonly tags: Tags;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The whole state of a channel at one instant: the newest replaces all before it. */
export interface State {
  readonly kind: 'state';
  readonly timestamp: Millis;
  readonly tags: Tags;
  readonly data: Readonly<Record<string, unknown>>;
  /** What it was narrowed to. */
  readonly filter: TagFilter;
  /** Which view of the channel this is: the canonical key of that filter. */
  readonly filterKey: string;
  /** The same state as single points, made when an audience first asks for them. */
  readonly points: () => readonly Sample[];
}

/** Collecting a state failed, or aggregating values: what an audience is told instead of it. */
export interface Failure {
  readonly kind: 'failure';
  readonly timestamp: Millis;
  /** The view that it is about; absent: each of them. */
  readonly filterKey?: string;
  /** Of windows of this length, and of nothing else. */
  readonly interval?: Interval;
}

export type Message = Sample | Event | State | Failure;

/** A message on a channel of a tenant, not numbered yet. */
export interface Publishable {
  readonly tenant: TenantId;
  readonly channel: ChannelName;
  readonly message: Message;
  readonly stored?: Stored;
}

/** Where a recorded message is kept. */
export interface Stored {
  /** The number of its row among points, or among events. */
  readonly row: number;
  /** Of a sample: the number of its series. */
  readonly series?: number;
}

/** Where a channel stands: `offset` counts its publications, and means something within one `epoch` only. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** A message on a channel of a tenant, with its number there. */
export interface Publication extends Publishable, Position {}
