import {
  type Dialect,
  type Event,
  type Format,
  type Publication,
  type Sample,
  type State,
  type WireMessage,
  ERRORS,
  isoTimestamp,
  unixSeconds,
} from '../../protocol/index.js';
import { parseChannelsCommand, parseChannelsQuery } from './parse-command.js';

/**
 * The native dialect: everything by channel. Wire shapes: docs/protocol/channels.md.
 */
export const channelsDialect: Dialect = {
  name: 'channels',
  open: parseChannelsQuery,
  parse: parseChannelsCommand,

  greet({ connectionId, principal, now, heartbeatInterval }) {
    return [
      {
        type: 'welcome',
        client_id: connectionId,
        timestamp: unixSeconds(now),
        tenant_id: principal.tenant,
        protocol: 'metricast.channels',
        heartbeat_interval: heartbeatInterval,
      },
    ];
  },

  render({ channel, message, offset }: Publication, format: Format): WireMessage[] {
    switch (message.kind) {
      case 'sample':
        return [pointMessage(channel, message, offset)];
      case 'event':
        return [eventMessage(channel, message, offset)];
      case 'state':
        return format === 'points'
          ? message.points().map((point) => pointMessage(channel, point, offset))
          : [stateMessage(channel, message, offset)];
      case 'failure':
        return [{ type: 'error', message: ERRORS.collect_failed.message, channel, code: 'collect_failed' }];
    }
  },

  renderReply(reply, now) {
    const { id } = reply.command;
    switch (reply.type) {
      case 'watching':
      case 'state':
        return undefined;
      case 'subscribed':
        return {
          type: 'subscribed',
          channels: reply.channels,
          positions: reply.positions,
          recovered: reply.recovered,
          id,
        };
      case 'unsubscribed':
        return { type: 'unsubscribed', channels: reply.channels, id };
      case 'presence':
        return { type: 'presence', channel: reply.channel, presence: reply.presence, id };
      case 'refreshed':
        return { type: 'refreshed', expires_at: isoTimestamp(reply.expiresAt), id };
      case 'history': {
        const { channel, messages, nextCursor, resolution } = reply.page;
        const metrics = messages.map((message) =>
          message.kind === 'event' ? eventMessage(channel, message) : pointMessage(channel, message),
        );
        return { type: 'history', channel, metrics, next_cursor: nextCursor, resolution, id };
      }
      case 'pong':
        return { type: 'pong', timestamp: unixSeconds(now), id };
    }
  },

  renderError({ message, code, details }, _now, id) {
    return { type: 'error', message, code, channel: details.channel, retry_after: details.retryAfter, id };
  },

  renderSettings({ interval, profile, streaming, reason }) {
    return { type: 'settings', interval, profile, streaming, reason };
  },

  heartbeat(now) {
    return { type: 'ping', timestamp: unixSeconds(now) };
  },
};

function pointMessage(channel: string, sample: Sample, offset?: number): WireMessage {
  const { name, type, value, timestamp: at, tags, summary, window } = sample;
  const timestamp = isoTimestamp(at);
  const own = { channel, name, type, value, timestamp, tags, ...summary };
  return window ? { ...own, interval: window.interval, window_start: timestamp, offset } : { ...own, offset };
}

function eventMessage(channel: string, { type, timestamp, tags, data }: Event, offset?: number): WireMessage {
  return { channel, event: type, data, timestamp: isoTimestamp(timestamp), tags, offset };
}

function stateMessage(channel: string, { timestamp, tags, data }: State, offset: number): WireMessage {
  const own = { channel, timestamp: isoTimestamp(timestamp), tags };
  // First for the reader's eye, and once more for a state that has fields of these names.
  return { ...own, ...data, ...own, offset };
}
