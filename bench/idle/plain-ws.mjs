// The least that a WebSocket server can be with `ws` that knows its clients: a token verified before the handshake, one
// listener, and what each client wants.
import { createSecretKey } from 'node:crypto';
import { createServer } from 'node:http';
import { JwtService } from '@nestjs/jwt';
import { WebSocketServer } from 'ws';

// As a key: a text would be taken for a public key first, which costs more than all the rest of a connect.
const secret = createSecretKey(Buffer.from(process.env.JWT_SECRET_KEY));
const jwt = new JwtService({ secret, verifyOptions: { algorithms: ['HS256'] } });
const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    for (const webSocket of webSockets.clients) webSocket.send(body);
    response.end();
  });
});

server.on('upgrade', (request, socket, head) => {
  const principal = verified(request.headers.authorization);
  if (!principal) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.principal = principal;
    webSocket.on('message', (/** @type {Buffer} */ data) => {
      webSocket.channels = JSON.parse(data.toString()).data.channels;
      webSocket.send(JSON.stringify({ type: 'subscribed', channels: webSocket.channels }));
    });
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});

/** @param {string | undefined} header */
function verified(header) {
  try {
    return jwt.verify(header.slice('Bearer '.length));
  } catch {
    return undefined;
  }
}
