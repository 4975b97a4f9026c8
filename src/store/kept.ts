import type {
  ChannelName,
  Event,
  Interval,
  Millis,
  Place,
  Sample,
  Stored,
  TagFilter,
  TenantId,
} from '../protocol/index.js';

/** A message that is stored, and where. A window has no row of its own: its number is 0. */
export interface Kept<M extends Sample | Event = Sample | Event> {
  readonly message: M;
  readonly stored: Stored;
}

/** A span of the history of a channel. */
export interface HistorySpan {
  readonly tenant: TenantId;
  readonly channel: ChannelName;
  readonly start: Millis;
  /** Exclusive. */
  readonly end: Millis;
  readonly filter: TagFilter;
  /** Of the series, or of an event's type; absent: all. */
  readonly name?: string;
  /** Values come together in windows of this length; absent: each by itself. */
  readonly interval?: Interval;
  /** About how many are wanted, so that not many more are read; absent: all. */
  readonly wanted?: number;
}

/** What was read in one go: what there is up to a place that lies behind all of it. */
export interface Slice {
  readonly rows: readonly Kept[];
  readonly reached: Place;
}

/** Where something stands in the order of history. */
export function placeOf({ message, stored }: Kept): Place {
  return { timestamp: message.timestamp, series: stored.series ?? 0, row: stored.row };
}

/** Before everything of that instant. */
export function placeBefore(timestamp: Millis): Place {
  return { timestamp, series: 0, row: 0 };
}

export function comparePlaces(one: Place, other: Place): number {
  return one.timestamp - other.timestamp || one.series - other.series || one.row - other.row;
}

export function latestOf(one: Place, other: Place): Place {
  return comparePlaces(one, other) > 0 ? one : other;
}
