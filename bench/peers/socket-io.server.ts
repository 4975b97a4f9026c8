// Socket.IO as its documentation has it; its heartbeat is long, because the load generator answers none.
import { Server } from 'socket.io';
import { servePublishing } from './publishing.js';

const HOUR_MILLIS = 3_600_000;
const server = servePublishing((messages) => {
  for (const message of messages) io.emit('metrics', message);
});
const io = new Server(server, { pingInterval: HOUR_MILLIS, serveClient: false });
