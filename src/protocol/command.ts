import type { ChannelName } from './channel.js';
import type { MetricastError } from './errors.js';
import type { Position } from './publication.js';
import { type TagFilter, isPlainText } from './tags.js';

/** How a collected state reaches a subscriber: as one message, or as a point per metric name. */
export type Format = 'snapshot' | 'points';

/** What a connection wants of one channel. */
export interface Subscription {
  readonly channel: ChannelName;
  readonly filter: TagFilter;
  readonly format: Format;
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
    }
  /** `channels` absent: all of them. */
  | { readonly type: 'unsubscribe'; readonly id?: CommandId; readonly channels?: readonly string[] }
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

export type CommandType = Command['type'];
export type CommandOf<T extends CommandType> = Extract<Command, { type: T }>;

/** What the server answers, before a dialect puts it into its words. */
export type Reply =
  | {
      readonly type: 'subscribed';
      readonly command: CommandOf<'subscribe'>;
      /** All channels of the connection, sorted. */
      readonly channels: readonly ChannelName[];
      readonly positions: Readonly<Record<string, Position>>;
    }
  | {
      readonly type: 'unsubscribed';
      readonly command: CommandOf<'unsubscribe'>;
      /** The channels left, sorted. */
      readonly channels: readonly ChannelName[];
    }
  | { readonly type: 'pong'; readonly command: CommandOf<'ping'> }
  | { readonly type: 'error'; readonly error: MetricastError; readonly id?: CommandId };
