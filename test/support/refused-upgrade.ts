import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type ClientOptions, WebSocket } from 'ws';
import type { Refusal } from './sse-client.js';

/** The HTTP answer to an upgrade that is refused by one. @throws Error where a WebSocket opens. */
export async function refusedUpgrade(url: string, options: ClientOptions = {}): Promise<Refusal> {
  const socket = new WebSocket(url, options);
  socket.on('error', () => undefined);
  const opened = once(socket, 'open').then(() => {
    socket.terminate();
    throw new Error('a WebSocket has opened');
  });
  const refused = once(socket, 'unexpected-response');
  const [, response] = (await Promise.race([refused, opened])) as [unknown, IncomingMessage];
  const body = await text(response);
  return { status: response.statusCode!, headers: response.headers, body: body === '' ? undefined : JSON.parse(body) };
}
