import type { ChannelName } from './channel.js';
import type { HistoryPage, HistoryQuery } from './history-query.js';
import type { Interval } from './interval.js';
import type { Listener } from './presence.js';
import type { Position, State } from './publication.js';
import { type TagFilter, isPlainText } from './tags.js';
import type { Millis } from './timestamp.js';

/** How a collected state reaches a subscriber: as one message, or as a point per metric name. */
export type Format = 'snapshot' | 'points';

/** What a connection wants of one channel. */
export interface Subscription {
  readonly channel: ChannelName;
  readonly filter: TagFilter;
  readonly format: Format;
  /** The types of its events that are wanted; absent: all. */
  readonly events?: readonly string[];
  /** Its values aggregated over windows of this length, instead of each by itself. */
  readonly interval?: Interval;
}

/** What a client asks for, whichever dialect it says it in. `id` is the client's own, and comes back with the reply. */
export type Command =
  | {
      readonly type: 'subscribe';
      readonly id?: CommandId;
      /** Names as they came: whether such a channel exists is not for a dialect to know. */
      readonly channels: readonly string[];
      readonly filter: TagFilter;
      readonly format: Format;
      /** MessagePack (true) or JSON (false) from the reply on; absent: unchanged. */
      readonly compression?: boolean;
      /** Ends the connection's other subscriptions. */
      readonly replace: boolean;
      /** Shows the channels' states as they are now; else they come with the next tick. */
      readonly atOnce?: boolean;
      /** No reply is expected. */
      readonly isQuiet?: boolean;
      /** Values aggregated over windows of this length. */
      readonly interval?: Interval;
      /** Begins with the history from there on. */
      readonly since?: Millis;
      /** Begins with what was missed since these positions, by channel names as they came. */
      readonly recover?: ReadonlyMap<string, Position>;
      /** The same for all channels of a stream: what its client got last. */
      readonly lastEventId?: string;
    }
  /** `channels` absent: all of them. */
  | { readonly type: 'unsubscribe'; readonly id?: CommandId; readonly channels?: readonly string[] }
  /** Adds to the event types that the connection is sent, on whichever channels they come. */
  | {
      readonly type: 'watch_events';
      readonly id?: CommandId;
      readonly eventTypes: readonly string[];
      /** Begins with what was missed since then: what the client of a stream got last. */
      readonly lastEventId?: string;
    }
  /** `eventTypes` absent: all of them. */
  | { readonly type: 'unwatch_events'; readonly id?: CommandId; readonly eventTypes?: readonly string[] }
  /** The state of a channel as it is now, subscribed or not. */
  | { readonly type: 'request_state'; readonly id?: CommandId; readonly channel: ChannelName }
  /** Who listens to a channel. The name is as it came. */
  | { readonly type: 'presence'; readonly id?: CommandId; readonly channel: string }
  /** A newer token; empty where none was sent. */
  | { readonly type: 'refresh'; readonly id?: CommandId; readonly token: string }
  /** What was recorded in a channel before. */
  | { readonly type: 'get_history'; readonly id?: CommandId; readonly query: HistoryQuery }
  | { readonly type: 'ping'; readonly id?: CommandId }
  /** The answer to a heartbeat: that it came is all it says. */
  | { readonly type: 'pong'; readonly id?: CommandId }
  /** A token in a first frame, for dialects whose clients cannot send it with the handshake. */
  | { readonly type: 'authenticate'; readonly id?: CommandId; readonly token: string };

export type CommandId = string | number;

const MAX_ID_LENGTH = 128;

/** The `id` of a frame where it has a usable one: it goes back to the client, so it must be short, plain and finite. */
export function parseCommandId(value: unknown): CommandId | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return isPlainText(value, MAX_ID_LENGTH) ? value : undefined;
}

/** Where a channel stands that a connection is subscribed to. */
export interface ReachedPosition extends Position {
  /** Where it was to be recovered: whether all was replayed that was missed on it. */
  readonly recovered?: boolean;
}

export type CommandType = Command['type'];
export type CommandOf<T extends CommandType> = Extract<Command, { type: T }>;

/** What the server answers, before a dialect puts it into its words. */
export type Reply =
  | {
      readonly type: 'subscribed';
      readonly command: CommandOf<'subscribe'>;
      /** All channels of the connection, sorted. */
      readonly channels: readonly ChannelName[];
      readonly positions: Readonly<Record<string, ReachedPosition>>;
      /** Where it asked to recover: true if all was replayed that was missed on all of these channels. */
      readonly recovered?: boolean;
    }
  | {
      readonly type: 'unsubscribed';
      readonly command: CommandOf<'unsubscribe'>;
      /** The channels left, sorted. */
      readonly channels: readonly ChannelName[];
    }
  | {
      readonly type: 'watching';
      readonly command: CommandOf<'watch_events' | 'unwatch_events'>;
      /** All event types of the connection, sorted. */
      readonly eventTypes: readonly string[];
    }
  | { readonly type: 'state'; readonly command: CommandOf<'request_state'>; readonly state: State }
  | {
      readonly type: 'presence';
      readonly command: CommandOf<'presence'>;
      readonly channel: ChannelName;
      readonly presence: readonly Listener[];
    }
  | {
      readonly type: 'refreshed';
      readonly command: CommandOf<'refresh'>;
      /** When the connection ends, unless it is refreshed again. */
      readonly expiresAt: Millis;
    }
  | { readonly type: 'history'; readonly command: CommandOf<'get_history'>; readonly page: HistoryPage }
  | { readonly type: 'pong'; readonly command: CommandOf<'ping'> };
