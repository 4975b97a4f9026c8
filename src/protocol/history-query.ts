import { type ChannelName, parseChannelName } from './channel.js';
import { type HistoryCursor, parseHistoryCursor } from './cursor.js';
import { type FieldError, MetricastError } from './errors.js';
import { INTERVAL_NAMES, type Interval, type Resolution, parseInterval } from './interval.js';
import type { Event, Sample } from './publication.js';
import { NO_FILTER, type TagFilter, isPlainText, parseTagFilter } from './tags.js';
import { type Millis, parseTimestamp } from './timestamp.js';

/** Values that a page of history has, where nobody says otherwise, and at most. */
export const HISTORY_LIMIT = { usual: 1000, most: 10_000 };

export const INTERVAL_TEXT = `one of ${INTERVAL_NAMES.join(', ')}`;
export const TIME_TEXT = 'ISO-8601 or Unix seconds';
const MAX_NAME_LENGTH = 200;

/** What is wanted of the history of a channel. */
export interface HistoryQuery {
  /** As it came: whether there is such a channel is not said by its name. */
  readonly channel: string;
  readonly start: Millis;
  /** Exclusive; absent: now. */
  readonly end?: Millis;
  /** Of the series, or of an event's type; absent: all names. */
  readonly name?: string;
  readonly filter: TagFilter;
  /** Absent: values as they were recorded. */
  readonly interval?: Interval;
  readonly limit: number;
  /** Where the page before ended: one of this channel, with values no finer than asked for. */
  readonly cursor?: HistoryCursor;
}

/** A page of the history of a channel, oldest first. */
export interface HistoryPage {
  readonly channel: ChannelName;
  readonly messages: readonly (Sample | Event)[];
  /** What to ask for the next page with; null where this is the last one. */
  readonly nextCursor: string | null;
  readonly resolution: Resolution;
}

/**
 * Reads what is wanted of a channel's history: `{channel, start_time, end_time?, name?, tags?, aggregation_interval?,
 * limit?, cursor?}`.
 *
 * @throws {@link MetricastError} `bad_request` that lists every field that is wrong.
 */
export function parseHistoryQuery(data: unknown, wrong: readonly FieldError[] = []): HistoryQuery {
  const fields = typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {};
  const errors: FieldError[] = [...wrong];
  const read = <T>(field: string, parse: (value: unknown) => T | undefined, must: string): T | undefined => {
    const parsed = parse(fields[field]);
    if (parsed === undefined && !wrong.some((one) => one.field === field)) {
      errors.push({ field, message: `must be ${must}` });
    }
    return parsed;
  };
  const readIfThere: typeof read = (field, parse, must) =>
    fields[field] == null ? undefined : read(field, parse, must);

  const channel = read('channel', (value) => (typeof value === 'string' ? value : undefined), 'a channel name');
  const start = read('start_time', parseTimestamp, TIME_TEXT);
  const end = readIfThere('end_time', parseTimestamp, TIME_TEXT);
  const name = readIfThere('name', (value) => (isPlainText(value, MAX_NAME_LENGTH) ? value : undefined), 'a name');
  const tags = fields['tags'] == null ? NO_FILTER : parseTagFilter(fields['tags']);
  if (typeof tags === 'string') errors.push({ field: 'tags', message: tags });
  const interval = readIfThere('aggregation_interval', parseInterval, INTERVAL_TEXT);
  const limit = readIfThere('limit', parseLimit, `a whole number from 1 to ${HISTORY_LIMIT.most}`);
  const cursor = readIfThere(
    'cursor',
    (value) => cursorFor(value, channel, interval ?? 'raw'),
    'the next_cursor of a page of this history',
  );
  if (start !== undefined && end !== undefined && end < start) {
    errors.push({ field: 'end_time', message: 'must not be before start_time' });
  }
  if (interval && channel && parseChannelName(channel)?.endsWith('.events')) {
    errors.push({ field: 'aggregation_interval', message: 'must not be given for events' });
  }
  if (channel === undefined || start === undefined || typeof tags === 'string' || errors.length > 0) {
    const detail = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw new MetricastError('bad_request', { detail, errors });
  }
  return { channel, start, end, name, filter: tags, interval, limit: limit ?? HISTORY_LIMIT.usual, cursor };
}

function parseLimit(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= HISTORY_LIMIT.most
    ? (value as number)
    : undefined;
}

/** The next page shows values as the page before did: as finely as was asked for then, or less so. */
function cursorFor(value: unknown, channel: string | undefined, asked: Resolution): HistoryCursor | undefined {
  const cursor = typeof value === 'string' ? parseHistoryCursor(value) : undefined;
  if (!cursor || cursor.channel !== channel) return undefined;
  return FINEST_FIRST.indexOf(cursor.resolution) >= FINEST_FIRST.indexOf(asked) ? cursor : undefined;
}

const FINEST_FIRST: readonly Resolution[] = ['raw', ...INTERVAL_NAMES];
