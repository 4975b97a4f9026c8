import { type IncomingMessage, STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MetricastError } from '../../protocol/index.js';
import { problemOf } from '../../rest/index.js';

/** Takes an upgrade request; false where it is not its own. */
export type UpgradeTaker = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/** Answers an upgrade request by HTTP instead: with a status, or with an error as REST would answer it. */
export function refuseUpgrade(socket: Duplex, refusal: number | MetricastError): void {
  const { status, retryAfter, body } = typeof refusal === 'number' ? bare(refusal) : told(refusal);
  // The peer may be gone already, which is nobody's business any more.
  socket.on('error', () => socket.destroy());
  // No timeout of HTTP's watches over it any more: a peer that never ends its side would keep it for ever.
  socket.once('finish', () => socket.destroy());
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
    ...(body === '' ? [] : ['Content-Type: application/json; charset=utf-8']),
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

interface HttpAnswer {
  readonly status: number;
  readonly retryAfter?: number;
  readonly body: string;
}

function bare(status: number): HttpAnswer {
  return { status, retryAfter: status === 503 ? 1 : undefined, body: '' };
}

function told(error: MetricastError): HttpAnswer {
  const problem = problemOf(error);
  return { status: problem.statusCode, retryAfter: error.details.retryAfter, body: JSON.stringify(problem) };
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
