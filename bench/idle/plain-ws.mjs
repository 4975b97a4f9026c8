// The least that a WebSocket server can be with `ws`: what a connection costs before it means anything.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const webSockets = new WebSocketServer({ noServer: true });
const server = createServer();
let received = 0;

server.on('upgrade', (request, socket, head) => {
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('message', () => webSocket.send(JSON.stringify({ received: ++received })));
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
