import {
  type Command,
  type Dialect,
  type Publication,
  type WireMessage,
  ERRORS,
  MetricastError,
  NO_FILTER,
  ROUTING_METRICS,
  isoTimestamp,
} from '../../protocol/index.js';

/**
 * The dialect of AI Cost Optimizer's clients: routing figures as bare objects, without being asked.
 * Wire shapes: docs/protocol/routing.md.
 */
export const routingDialect: Dialect = {
  name: 'routing',

  open() {
    const channels = [ROUTING_METRICS];
    return [{ type: 'subscribe', channels, filter: NO_FILTER, format: 'snapshot', replace: true, atOnce: true }];
  },

  greet() {
    return [];
  },

  parse(frame): Command {
    if (frame['type'] === 'ping') return { type: 'ping' };
    throw new MetricastError('unknown_type');
  },

  render({ message }: Publication): WireMessage[] {
    switch (message.kind) {
      case 'state':
        return [{ ...message.data, timestamp: isoTimestamp(message.timestamp) }];
      case 'failure':
        return [errorMessage(ERRORS.collect_failed.message, message.timestamp)];
      case 'sample':
      case 'event':
        return [];
    }
  },

  renderReply(reply) {
    return reply.type === 'pong' ? { type: 'pong' } : undefined;
  },

  renderError({ message }, now) {
    return errorMessage(message, now);
  },
};

function errorMessage(error: string, now: number): WireMessage {
  return { error, timestamp: isoTimestamp(now) };
}
