// The least that Node can do for a stream of events: the event is made once for all, and written to the socket below
// the response. With WRITES=together what one request publishes leaves in one write, else in one each.
import type { Socket } from 'node:net';
import { servePublishing } from './publishing.js';

const isTogether = process.env['WRITES'] === 'together';
const sockets = new Set<Socket>();

servePublishing(
  (messages) => {
    const events = messages.map((message) => Buffer.from(`data: ${JSON.stringify(message)}\n\n`));
    for (const bytes of isTogether ? [Buffer.concat(events)] : events) {
      for (const socket of sockets) socket.write(bytes);
    }
  },
  ({ socket }, response) => {
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.flushHeaders();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  },
);
