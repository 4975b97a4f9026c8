import {
  type ChannelName,
  type Event,
  type Millis,
  type Tags,
  EVENT_TYPE_FORM,
  parseChannelName,
  parseEventType,
} from '../../protocol/index.js';
import { BadItem, type Field, Refusal, optional, readItem, tags, text, timestamp } from '../../recording/index.js';
import type { ChannelEvent, Identified } from '../../store/index.js';
import { jsonObject } from './json-object.js';

/** Something that happened, to be told to whoever asked for its type or its channel. */
export interface EventInput {
  /** 1 to 64 characters of `A-Z a-z 0-9 _ . -`, the first a letter. */
  readonly type: string;
  /** An object that JSON can say in 64 KiB. Whatever is in it is stored and sent as JSON has it. */
  readonly data: object;
  /** What subscribers can filter by: names to texts, at most 32 pairs. */
  readonly tags?: Readonly<Record<string, string>>;
  /** ISO-8601, or Unix seconds; now where absent, at most 5 minutes in the future. */
  readonly timestamp?: string | number;
  /** Makes the event idempotent: a second one of the tenant with this id within 24 hours is neither stored nor sent. */
  readonly id?: string;
}

/** An event and the name of its channel, `NAME.events`. */
export interface ChannelEventInput extends EventInput {
  readonly channel: string;
}

/** An item that is as it should be. */
export interface EventItem extends Identified, ChannelEvent {}

const eventsChannel: Field<ChannelName> = (value) => {
  const channel = parseChannelName(value);
  return channel?.endsWith('.events')
    ? channel
    : new Refusal('must be NAME.events of a-z 0-9 _ . - with at most 128 characters');
};

const eventType: Field<string> = (value) => parseEventType(value) ?? new Refusal(`must be ${EVENT_TYPE_FORM}`);

const FIELDS = {
  id: optional(text(200)),
  channel: eventsChannel,
  type: eventType,
  data: jsonObject(64 * 1024) as Field<Event['data']>,
  tags: tags as Field<Tags>,
  timestamp,
};

export function parseEvent(item: unknown, now: Millis): EventItem | BadItem {
  const read = readItem(FIELDS, item, now);
  if (read instanceof BadItem) return read;
  const { id, channel, ...event } = read;
  return { id, channel, event: { kind: 'event', ...event } };
}
