import {
  MAX_NAMES_A_FRAME,
  type Command,
  type CommandId,
  type CommandOf,
  MetricastError,
  NO_FILTER,
  type Query,
  parseCommandId,
  parseTagFilter,
} from '../../protocol/index.js';

type Fields = Readonly<Record<string, unknown>>;

/** Options of a subscribe that the protocol knows and this server does not serve yet. */
const NOT_YET = ['aggregation_interval', 'since', 'recover'] as const;

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
      throw new MetricastError('not_supported', { detail: frame['type'] });
    default:
      throw new MetricastError('unknown_type');
  }
}

/** What an address asks for: `?channels=NAME,NAME&tags={"NAME":"VALUE"}&format=points`. */
export function parseChannelsQuery(query: Query): Command[] {
  const names = query
    .getAll('channels')
    .flatMap((list) => list.split(','))
    .filter(Boolean);
  if (names.length === 0) return [];
  const tags = query.get('tags');
  const options = { channels: names, tags: tags === null ? undefined : parseJson(tags), format: query.get('format') };
  return [parseSubscribe(undefined, options)];
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
  for (const option of NOT_YET) {
    if (data[option] != null) throw new MetricastError('not_supported', { detail: option });
  }
  const { compression, format, tags } = data;
  if (compression != null && typeof compression !== 'boolean') throw badSubscription('compression must be a boolean');
  if (format != null && format !== 'snapshot' && format !== 'points') {
    throw badSubscription('format must be "snapshot" or "points"');
  }
  const filter = tags == null ? NO_FILTER : parseTagFilter(tags);
  if (typeof filter === 'string') throw badSubscription(filter);
  return {
    type: 'subscribe',
    id,
    channels: parseChannels(data['channels']),
    filter,
    format: format ?? 'snapshot',
    compression: compression ?? undefined,
    replace: false,
  };
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
