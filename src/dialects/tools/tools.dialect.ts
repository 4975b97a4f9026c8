import {
  type Command,
  type CommandOf,
  type Dialect,
  type Publication,
  type TagFilter,
  type WireMessage,
  CLOSE,
  ERRORS,
  MetricastError,
  TOOLS_METRICS,
  isPlainText,
  isoTimestamp,
} from '../../protocol/index.js';

const TOOL_TAG = 'tool_id';
const SESSION_TAG = 'session_id';
const MAX_ID_LENGTH = 200;

/**
 * The dialect of OmniMemory's clients: the usage of tools, of all or of one, of all sessions or of one.
 * Wire shapes: docs/protocol/tools.md.
 */
export const toolsDialect: Dialect = {
  name: 'tools',

  open(query) {
    return [subscribeTo(query.get(TOOL_TAG) || null, query.get(SESSION_TAG) || null)];
  },

  greet({ query, updateInterval }) {
    return [
      {
        type: 'connected',
        message: 'WebSocket connection established',
        interval: updateInterval,
        tool_id: shown(query.get(TOOL_TAG)),
        session_id: shown(query.get(SESSION_TAG)),
      },
    ];
  },

  parse(frame): Command {
    switch (frame['type']) {
      case 'subscribe':
        return subscribeTo(frame[TOOL_TAG], frame[SESSION_TAG]);
      case 'ping':
        return { type: 'ping' };
      default:
        throw new MetricastError('unknown_type');
    }
  },

  render({ message }: Publication): WireMessage[] {
    switch (message.kind) {
      case 'state': {
        const { timestamp, data, filter } = message;
        const narrowedTo = { tool_id: onlyOne(filter, TOOL_TAG), session_id: onlyOne(filter, SESSION_TAG) };
        return [{ type: 'metrics', timestamp: isoTimestamp(timestamp), data, ...narrowedTo }];
      }
      case 'failure':
        return [errorMessage(ERRORS.collect_failed.message, message.timestamp)];
      case 'sample':
      case 'event':
        return [];
    }
  },

  renderReply(reply) {
    // A subscribe is answered by the metrics themselves, which say what they are narrowed to.
    return reply.type === 'pong' ? { type: 'pong' } : undefined;
  },

  renderError({ message }, now) {
    return errorMessage(message, now);
  },

  close(close) {
    return close.code === CLOSE.unauthorized.code ? CLOSE.policyViolation : close;
  },
};

function subscribeTo(tool: unknown, session: unknown): CommandOf<'subscribe'> {
  // Named in the order of their names, as every filter.
  const filter = { ...narrowing(SESSION_TAG, session), ...narrowing(TOOL_TAG, tool) };
  return { type: 'subscribe', channels: [TOOLS_METRICS], filter, format: 'snapshot', replace: true, atOnce: true };
}

function narrowing(tag: string, id: unknown): TagFilter {
  if (id == null) return {};
  if (isPlainText(id, MAX_ID_LENGTH)) return { [tag]: [id] };
  throw new MetricastError('bad_subscription', {
    detail: `${tag} must be a printable text of at most ${MAX_ID_LENGTH} characters, or null`,
  });
}

/** What the greeting says of a parameter that may be anything. */
function shown(id: string | null): string | null {
  return isPlainText(id, MAX_ID_LENGTH) ? id : null;
}

/** A token may limit its holder to several, of which none is the one. */
function onlyOne(filter: TagFilter, tag: string): string | null {
  const values = filter[tag];
  return values?.length === 1 ? values[0]! : null;
}

function errorMessage(error: string, now: number): WireMessage {
  return { type: 'error', error, timestamp: isoTimestamp(now) };
}
