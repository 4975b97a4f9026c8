import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Takes an upgrade request; false where it is not its own. */
export type UpgradeTaker = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

const REASONS = { 400: 'Bad Request', 404: 'Not Found', 429: 'Too Many Requests', 503: 'Service Unavailable' };

/** Answers an upgrade request by HTTP instead. */
export function refuseUpgrade(socket: Duplex, status: keyof typeof REASONS): void {
  // The peer may be gone already, which is nobody's business any more.
  socket.on('error', () => socket.destroy());
  // No timeout of HTTP's watches over it any more: a peer that never ends its side would keep it for ever.
  socket.once('finish', () => socket.destroy());
  const retryAfter = status === 429 || status === 503 ? 'Retry-After: 1\r\n' : '';
  socket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\n${retryAfter}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}

/**
 * Lets us take the upgrades of our own paths before any other listener of the server sees them. An event has no way
 * to be stopped, and the listeners of a host (Socket.IO, Nest's own adapter, plain `ws`) end every upgrade on a path
 * that they do not know, also one that was answered. So ours are taken out before they are emitted. An upgrade that
 * nobody else listens for gets a 404.
 *
 * @returns what undoes it.
 */
export function takeUpgrades(server: Server, take: UpgradeTaker): () => void {
  const emit = server.emit.bind(server);
  // Only with a listener does Node emit upgrades at all.
  const refuseUnclaimed = (_request: IncomingMessage, socket: Duplex) => {
    if (server.listenerCount('upgrade') === 1) refuseUpgrade(socket, 404);
  };
  server.on('upgrade', refuseUnclaimed);
  server.emit = ((event: string, ...args: unknown[]) => {
    if (event === 'upgrade' && take(...(args as Parameters<UpgradeTaker>))) return true;
    return emit(event, ...args);
  }) as Server['emit'];
  return () => {
    server.emit = emit;
    server.off('upgrade', refuseUnclaimed);
  };
}
