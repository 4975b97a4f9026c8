import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

const HEADERS = {
  'Content-Type': 'text/event-stream',
  // Who transforms it would have to hold it back: middleware that compresses, and proxies, keep off.
  'Cache-Control': 'no-cache, no-transform',
  // nginx's own word for the same.
  'X-Accel-Buffering': 'no',
};

/**
 * Connections that a stream is on, or waits for. What is asked for behind it waits for an end that never comes: one who
 * asks for stream after stream would fill the memory.
 */
const taken = new WeakSet<Socket>();

/**
 * Waits until what was asked for before on the same connection is answered (RFC 9112, 9.3.2). False where the
 * connection has a stream, or waits for one: it has ended then.
 */
export async function awaitTurn({ socket, httpVersionMajor }: IncomingMessage, response: object): Promise<boolean> {
  if (taken.has(socket)) {
    socket.destroy();
    return false;
  }
  if (httpVersionMajor !== 1) return true;
  taken.add(socket);
  const raw = rawOf(response);
  if (!raw.socket) await once(raw, 'socket');
  return true;
}

/** Lets the connection be used for something else: it gets no stream after all. */
export function giveUpTurn({ socket }: IncomingMessage): void {
  taken.delete(socket);
}

/** Has the connection end with the answer that is yet to come, under HTTP/1. */
export function endWithAnswer(platformResponse: object): void {
  rawOf(platformResponse).shouldKeepAlive = false;
}

/**
 * Begins the response when it is its turn, and gives the stream that its events are written to: under HTTP/1 the socket
 * itself, because a body that lasts until the connection ends needs no framing, and so the same bytes serve every
 * receiver. `undefined` for a HEAD request, which is answered, and where the client has gone already.
 */
export function openStream(request: IncomingMessage, platformResponse: object): Writable | undefined {
  const response = takeOver(platformResponse);
  const stream = request.httpVersionMajor === 1 ? bareSocket(response) : http2Stream(response);
  if (stream.destroyed) return undefined;
  response.writeHead(200, HEADERS);
  if (request.method === 'HEAD') {
    response.end();
    return undefined;
  }
  response.flushHeaders();
  return stream;
}

function bareSocket(response: ServerResponse): Writable {
  const socket = response.socket!;
  response.shouldKeepAlive = false;
  response.useChunkedEncodingByDefault = false;
  // Who has ended their side wants no more, and may have stopped to read: Node would wait until all is taken.
  socket.once('end', () => socket.destroy());
  return socket;
}

function http2Stream(response: ServerResponse): Writable {
  return (response as unknown as Http2ServerResponse).stream;
}

interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): void;
  getHeaders(): OutgoingHttpHeaders;
}

/** Node's response below the platform's. */
function rawOf(platformResponse: object): ServerResponse {
  return 'raw' in platformResponse ? (platformResponse as FastifyReply).raw : (platformResponse as ServerResponse);
}

/** The same with the headers that the host has set, and nobody else to answer by it. */
function takeOver(platformResponse: object): ServerResponse {
  if (!('hijack' in platformResponse)) return rawOf(platformResponse);
  const reply = platformResponse as FastifyReply;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
  return reply.raw;
}
