import {
  type ChannelName,
  type Command,
  type Dialect,
  type Event,
  type Publication,
  type WireMessage,
  ALERT,
  EXECUTIONS_METRICS,
  METRICS_UPDATE,
  MetricastError,
  isoTimestamp,
} from '../../protocol/index.js';
import { parseEventTypes } from './parse-event-types.js';

/** What `request_metrics` can ask for. */
const METRIC_TYPES: ReadonlyMap<unknown, ChannelName> = new Map([['executions', EXECUTIONS_METRICS]]);

/**
 * The dialect of Shadower's clients: what happens in a workspace, by type of event.
 * Wire shapes: docs/protocol/workspace.md.
 */
export const workspaceDialect: Dialect = {
  name: 'workspace',

  open(query) {
    const types = query
      .getAll('event_types')
      .flatMap((list) => list.split(','))
      .filter(Boolean);
    return types.length > 0 ? [{ type: 'watch_events', eventTypes: parseEventTypes(types) }] : [];
  },

  greet({ connectionId, principal, now }) {
    return [
      {
        event: 'connected',
        connection_id: connectionId,
        workspace_id: principal.tenant,
        timestamp: isoTimestamp(now),
      },
    ];
  },

  parse(frame): Command {
    const types = frame['event_types'];
    switch (frame['type']) {
      case 'subscribe':
        return { type: 'watch_events', eventTypes: parseEventTypes(types) };
      case 'unsubscribe':
        return { type: 'unwatch_events', eventTypes: types == null ? undefined : parseEventTypes(types) };
      case 'ping':
        return { type: 'ping' };
      case 'request_metrics': {
        const channel = METRIC_TYPES.get(frame['metric_type'] ?? 'executions');
        if (!channel) throw new MetricastError('bad_request', { detail: 'metric_type must be executions' });
        return { type: 'request_state', channel };
      }
      default:
        throw new MetricastError('unknown_type');
    }
  },

  render({ message }: Publication): WireMessage[] {
    switch (message.kind) {
      case 'event':
        return [eventMessage(message)];
      case 'state':
        return [{ event: METRICS_UPDATE, data: message.data, timestamp: isoTimestamp(message.timestamp) }];
      case 'failure':
        return [workspaceDialect.renderError(new MetricastError('collect_failed'), message.timestamp)];
      case 'sample':
        return [];
    }
  },

  renderReply(reply, now) {
    const timestamp = isoTimestamp(now);
    switch (reply.type) {
      case 'watching': {
        const event = reply.command.type === 'watch_events' ? 'subscribed' : 'unsubscribed';
        return { event, event_types: reply.eventTypes, timestamp };
      }
      case 'state':
        return { event: METRICS_UPDATE, metric_type: 'executions', data: reply.state.data, timestamp };
      case 'pong':
        return { event: 'pong', timestamp };
      case 'subscribed':
      case 'unsubscribed':
      case 'presence':
      case 'refreshed':
      case 'history':
        return undefined;
    }
  },

  renderError({ message, code, details }, now) {
    return { event: 'error', error: message, code, retry_after: details.retryAfter, timestamp: isoTimestamp(now) };
  },
};

/** An alert says twice how urgent it is, so that a client need not look into it to sort it. */
function eventMessage({ type, data, timestamp }: Event): WireMessage {
  const priority = type === ALERT ? { priority: data['priority'] ?? null } : {};
  return { event: type, data, ...priority, timestamp: isoTimestamp(timestamp) };
}
