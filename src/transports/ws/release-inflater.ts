import type { WebSocket } from 'ws';

/**
 * Listens to the messages of a WebSocket that may be compressed, and gives back what one was inflated in. `ws` keeps that
 * as long as the connection, 16 KB and more, although without context takeover nothing in it serves the next message;
 * and a browser compresses all that it sends.
 */
export function releaseInflater(this: WebSocket): void {
  (this as unknown as Inflating)._extensions['permessage-deflate']?.cleanup();
}

/** What `ws` keeps to itself. */
interface Inflating {
  readonly _extensions: { readonly 'permessage-deflate'?: { cleanup(): void } };
}
