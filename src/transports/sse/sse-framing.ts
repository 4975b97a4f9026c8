import type { Framing } from '../../hub/index.js';

/** What a client waits before it connects again after a stream broke off, in milliseconds. */
const RETRY_MILLIS = 3000;

/** The first bytes of every stream. */
export const SSE_PRELUDE = Buffer.from(`retry: ${RETRY_MILLIS}\n\n`);

/** A comment: no message to any client, but a sign of life to it, and to the proxies between. */
export const SSE_HEARTBEAT = Buffer.from(': heartbeat\n\n');

/**
 * Messages as server-sent events: JSON in one line, so that no line end in it can begin a field of its own.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export const sseFraming: Framing = {
  name: 'sse',
  frame: (message, { cursor, isError } = {}) => {
    const id = cursor === undefined ? '' : `id: ${cursor}\n`;
    return Buffer.from(`event: ${isError ? 'error' : 'metrics'}\n${id}data: ${JSON.stringify(message)}\n\n`);
  },
};
