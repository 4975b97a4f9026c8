import {
  INTERVAL_TEXT,
  MAX_NAMES_A_FRAME,
  type Command,
  type CommandId,
  type CommandOf,
  MetricastError,
  NO_FILTER,
  type Position,
  type Query,
  TIME_TEXT,
  isPlainText,
  parseCommandId,
  parseHistoryQuery,
  parseInterval,
  parseTagFilter,
  parseTimestamp,
} from '../../protocol/index.js';

type Fields = Readonly<Record<string, unknown>>;

const MAX_EPOCH_LENGTH = 128;
const RECOVER_TEXT = 'recover must hold {epoch, offset} by channel';

/** Reads a client frame of the `channels` dialect. */
export function parseChannelsCommand(frame: Fields): Command {
  const id = parseCommandId(frame['id']);
  switch (frame['type']) {
    case 'subscribe':
      return parseSubscribe(id, frame['data']);
    case 'unsubscribe':
      return parseUnsubscribe(id, frame);
    case 'presence':
      return parsePresence(id, frame['data']);
    case 'refresh':
      return { type: 'refresh', id, token: typeof frame['token'] === 'string' ? frame['token'] : '' };
    case 'ping':
      return { type: 'ping', id };
    case 'pong':
      return { type: 'pong', id };
    case 'get_history':
      return { type: 'get_history', id, query: parseHistoryQuery(frame['data']) };
    default:
      throw new MetricastError('unknown_type');
  }
}

/** What an address asks for: `?channels=NAME,NAME&tags={"NAME":"VALUE"}&format=points&aggregation_interval=1m&since=TIME`. */
export function parseChannelsQuery(query: Query): Command[] {
  const names = query
    .getAll('channels')
    .flatMap((list) => list.split(','))
    .filter(Boolean);
  if (names.length === 0) return [];
  const tags = query.get('tags');
  const options = {
    channels: names,
    tags: tags === null ? undefined : parseJson(tags),
    format: query.get('format'),
    aggregation_interval: query.get('aggregation_interval'),
    since: timeIn(query.get('since')),
  };
  return [parseSubscribe(undefined, options)];
}

/** A number where the text is one: Unix seconds. */
function timeIn(text: string | null): unknown {
  return text !== null && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new MetricastError('bad_subscription', { detail: 'tags must be an object', cause });
  }
}

function parseSubscribe(id: CommandId | undefined, data: unknown): CommandOf<'subscribe'> {
  if (!isFields(data)) throw badSubscription('data must be an object');
  const { compression, format, tags } = data;
  if (compression != null && typeof compression !== 'boolean') throw badSubscription('compression must be a boolean');
  if (format != null && format !== 'snapshot' && format !== 'points') {
    throw badSubscription('format must be "snapshot" or "points"');
  }
  const filter = tags == null ? NO_FILTER : parseTagFilter(tags);
  if (typeof filter === 'string') throw badSubscription(filter);
  if (data['since'] != null && data['recover'] != null) throw badSubscription('since and recover exclude each other');
  return {
    type: 'subscribe',
    id,
    channels: parseChannels(data['channels']),
    filter,
    format: format ?? 'snapshot',
    compression: compression ?? undefined,
    replace: false,
    interval: parseOptional(
      data['aggregation_interval'],
      parseInterval,
      `aggregation_interval must be ${INTERVAL_TEXT}`,
    ),
    since: parseOptional(data['since'], parseTimestamp, `since must be ${TIME_TEXT}`),
    recover: data['recover'] == null ? undefined : parsePositions(data['recover']),
  };
}

/** `undefined` where there is none. */
function parseOptional<T>(value: unknown, parse: (value: unknown) => T | undefined, must: string): T | undefined {
  if (value == null) return undefined;
  const parsed = parse(value);
  if (parsed === undefined) throw badSubscription(must);
  return parsed;
}

/** Positions by the names of their channels. */
function parsePositions(value: unknown): Map<string, Position> {
  if (!isFields(value)) throw badSubscription(RECOVER_TEXT);
  const positions = new Map<string, Position>();
  for (const [channel, position] of Object.entries(value)) {
    const parsed = isFields(position) ? parsePosition(position) : undefined;
    if (!parsed || positions.size === MAX_NAMES_A_FRAME) throw badSubscription(RECOVER_TEXT);
    positions.set(channel, parsed);
  }
  return positions;
}

function parsePosition({ epoch, offset }: Fields): Position | undefined {
  const isOne = isPlainText(epoch, MAX_EPOCH_LENGTH) && Number.isSafeInteger(offset) && (offset as number) >= 0;
  return isOne ? { epoch, offset: offset as number } : undefined;
}

function parseUnsubscribe(id: CommandId | undefined, frame: Fields): CommandOf<'unsubscribe'> {
  const data = isFields(frame['data']) ? frame['data'] : frame;
  const channels = data['channels'];
  return { type: 'unsubscribe', id, channels: channels == null ? undefined : parseChannels(channels) };
}

function parsePresence(id: CommandId | undefined, data: unknown): CommandOf<'presence'> {
  const channel = isFields(data) ? data['channel'] : undefined;
  if (typeof channel === 'string') return { type: 'presence', id, channel };
  throw new MetricastError('bad_request', { detail: 'channel must be a channel name' });
}

function parseChannels(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every((name) => typeof name === 'string')) {
    throw badSubscription('channels must be a list of channel names');
  }
  if (value.length > MAX_NAMES_A_FRAME) throw badSubscription(`at most ${MAX_NAMES_A_FRAME} channels a frame`);
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badSubscription(detail: string): MetricastError {
  return new MetricastError('bad_subscription', { detail });
}
