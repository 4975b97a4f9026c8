// The least that answering can be with `ws`: parse, look at the type, write.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer();
const webSockets = new WebSocketServer({ server, perMessageDeflate: false });

webSockets.on('connection', (webSocket) => {
  webSocket.on('message', (/** @type {Buffer} */ data) => {
    if (JSON.parse(data.toString()).type !== 'ping') return;
    webSocket.send(JSON.stringify({ type: 'pong', timestamp: Date.now() / 1000 }));
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
