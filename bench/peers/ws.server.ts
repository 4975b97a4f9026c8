// Servers that are nothing but `ws`, as SENDS says: each client's frame made by `ws` from a string or from one buffer,
// or the frame made once for all and written below `ws`, each by itself or together with what else is published.
// With deflate, `ws` compresses for each client, where it has offered that.
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { servePublishing } from './publishing.js';
import { readyFrame } from './ready-frame.js';

const sends = process.env['SENDS'];

const server = servePublishing((messages) => {
  if (sends === 'frames together') {
    const bytes = Buffer.concat(messages.map(readyFrame));
    for (const client of webSockets.clients) socketOf(client).write(bytes);
    return;
  }
  for (const message of messages) send(message);
});
const webSockets = new WebSocketServer({ server, perMessageDeflate: sends === 'deflate' });

webSockets.on('connection', (client) => client.on('error', () => undefined));

function send(message: unknown): void {
  if (sends === 'frames') {
    const frame = readyFrame(message);
    for (const client of webSockets.clients) socketOf(client).write(frame);
    return;
  }
  const text = JSON.stringify(message);
  const data = sends === 'buffers' ? Buffer.from(text) : text;
  for (const client of webSockets.clients) client.send(data, { binary: false });
}

function socketOf(client: WebSocket): Socket {
  return (client as unknown as { _socket: Socket })._socket;
}
