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
 * Begins the response, and gives the stream that its events are written to: under HTTP/1 the socket itself, because a
 * body that lasts until the connection ends needs no framing, and so the same bytes serve every receiver. `undefined`
 * for a HEAD request, which is answered, where the client has gone already, and where its connection has a stream.
 */
export async function openStream(request: IncomingMessage, platformResponse: object): Promise<Writable | undefined> {
  if (taken.has(request.socket)) {
    request.socket.destroy();
    return undefined;
  }
  const response = takeOver(platformResponse);
  const stream = request.httpVersionMajor === 1 ? await bareSocket(request.socket, response) : http2Stream(response);
  if (stream.destroyed) return undefined;
  response.writeHead(200, HEADERS);
  if (request.method === 'HEAD') {
    response.end();
    return undefined;
  }
  response.flushHeaders();
  return stream;
}

/**
 * Connections that a stream is on, or waits for. What is asked for behind it waits for an end that never comes: one who
 * asks for stream after stream would fill the memory.
 */
const taken = new WeakSet<Socket>();

async function bareSocket(requested: Socket, response: ServerResponse): Promise<Writable> {
  taken.add(requested);
  // A client may ask before it was answered (RFC 9112, 9.3.2): what it asked for before comes first.
  if (!response.socket) await once(response, 'socket');
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

/** Node's response below the platform's, with the headers that the host has set. */
function takeOver(platformResponse: object): ServerResponse {
  if (!('hijack' in platformResponse)) return platformResponse as ServerResponse;
  const reply = platformResponse as FastifyReply;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
  return reply.raw;
}
