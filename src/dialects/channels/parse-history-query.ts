import {
  type FieldError,
  HISTORY_LIMIT,
  type HistoryQuery,
  INTERVAL_NAMES,
  MetricastError,
  NO_FILTER,
  isPlainText,
  parseInterval,
  parseTagFilter,
  parseTimestamp,
} from '../../protocol/index.js';

export const INTERVAL_TEXT = `one of ${INTERVAL_NAMES.join(', ')}`;
export const TIME_TEXT = 'ISO-8601 or Unix seconds';
const MAX_NAME_LENGTH = 200;
const MAX_CURSOR_LENGTH = 512;

/**
 * Reads what is wanted of a channel's history, from a frame or from an address: `{channel, start_time, end_time?, name?,
 * tags?, aggregation_interval?, limit?, cursor?}`.
 *
 * @throws {@link MetricastError} `bad_request` that lists every field that is wrong.
 */
export function parseHistoryQuery(data: unknown): HistoryQuery {
  const fields = typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {};
  const errors: FieldError[] = [];
  const read = <T>(field: string, parse: (value: unknown) => T | undefined, must: string): T | undefined => {
    const parsed = parse(fields[field]);
    if (parsed === undefined) errors.push({ field, message: `must be ${must}` });
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
  const cursor = readIfThere('cursor', parseCursor, 'the next_cursor of a page of this history');
  if (start !== undefined && end !== undefined && end < start) {
    errors.push({ field: 'end_time', message: 'must not be before start_time' });
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

function parseCursor(value: unknown): string | undefined {
  return isPlainText(value, MAX_CURSOR_LENGTH) ? value : undefined;
}
