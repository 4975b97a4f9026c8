// The least that Node can do for a WebSocket: the frame is made once for all, and written to the bare socket. With
// WRITES=together what one request publishes leaves in one write, else in one each.
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { servePublishing } from './publishing.js';
import { readyFrame } from './ready-frame.js';

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const isTogether = process.env['WRITES'] === 'together';
const sockets = new Set<Socket>();

const server = servePublishing((messages) => {
  const frames = messages.map(readyFrame);
  for (const bytes of isTogether ? [Buffer.concat(frames)] : frames) {
    for (const socket of sockets) socket.write(bytes);
  }
});

server.on('upgrade', ({ headers }, socket: Socket) => {
  const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${WEBSOCKET_GUID}`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.setNoDelay(true);
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
  socket.resume();
});
