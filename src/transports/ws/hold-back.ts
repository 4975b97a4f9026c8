import type { RawData, WebSocket } from 'ws';
import type { Readable } from './ws-session.js';

/**
 * Keeps what a client sends until somebody listens to it, and hands it on then. That is what was read from the socket
 * already, 64 KiB at most, however large a frame may be: the socket is not read meanwhile.
 */
export function holdBack(webSocket: WebSocket, source: Readable, until: () => Promise<void>): void {
  const held: [data: RawData, isBinary: boolean][] = [];
  const hold = (data: RawData, isBinary: boolean) => held.push([data, isBinary]);
  webSocket.on('message', hold);
  source.pause();
  void until().then(() => {
    webSocket.off('message', hold);
    for (const frame of held) webSocket.emit('message', ...frame);
    source.resume();
  });
}
