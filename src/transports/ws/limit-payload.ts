import type { WebSocket } from 'ws';

/** Of those who are known. */
export const MAX_FRAME_BYTES = 1024 * 1024;
/** Of those who have not said yet who they are: a token takes no more, and what a large frame costs anybody could make us pay. */
export const MAX_FRAME_BYTES_OF_STRANGERS = 16 * 1024;

/** Changes how large a message may be that is yet to come; `ws` lets it be said only once, for all and for good. */
export function limitPayload(webSocket: WebSocket, bytes: number): void {
  (webSocket as unknown as Receiving)._receiver._maxPayload = bytes;
}

/** What `ws` keeps to itself. */
interface Receiving {
  readonly _receiver: { _maxPayload: number };
}
