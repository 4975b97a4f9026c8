import type { WebSocket } from 'ws';

/** Changes how large a message may be that is yet to come; `ws` lets it be said only once, for all and for good. */
export function limitPayload(webSocket: WebSocket, bytes: number): void {
  (webSocket as unknown as Receiving)._receiver._maxPayload = bytes;
}

/** What `ws` keeps to itself. */
interface Receiving {
  readonly _receiver: { _maxPayload: number };
}
