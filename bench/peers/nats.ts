import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientFrame, webSocketOpening } from '../generator/wire.js';
import { NativeProcess, freePort } from '../harness/native-process.js';
import { messages } from './message.js';
import type { PeerKind } from './peer.js';
import { findProgram } from './program.js';

const SUBJECT = 'bench.metrics';
const CONNECT = `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, lang: 'bench', version: '1' })}\r\n`;

/** NATS over WebSocket; published over its own protocol. https://docs.nats.io/reference/reference-protocols/nats-protocol */
export const NATS: PeerKind = {
  name: 'NATS',
  async start({ cores, temporary }) {
    const program = findProgram('nats-server');
    if (program === undefined) return { skipped: 'nats-server is not installed' };
    const [port, webSocketPort] = [await freePort(), await freePort()];
    const path = join(temporary, `${randomUUID()}.conf`);
    writeFileSync(path, configuration(port, webSocketPort));
    // It listens on the port of its own protocol last.
    const server = await NativeProcess.start(program, ['-c', path], { core: cores?.server, port: webSocketPort });
    return {
      server,
      client: {
        opening: webSocketOpening('/'),
        subscribe: clientFrame(Buffer.from(`${CONNECT}SUB ${SUBJECT} 1\r\nPING\r\n`)),
        answer: 'PONG',
      },
      publishing: (count) => ({
        port,
        request: Buffer.concat(messages(count).map(publication)),
        publications: count,
        answers: 0,
        opening: Buffer.from(`${CONNECT}PING\r\n`),
        openingAnswer: 'PONG',
      }),
    };
  },
};

function publication(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`PUB ${SUBJECT} ${payload.length}\r\n`), payload, Buffer.from('\r\n')]);
}

/** Its own pings are far apart, because the load generator answers none. */
function configuration(port: number, webSocketPort: number): string {
  return `
listen: "127.0.0.1:${port}"
ping_interval: "1h"
max_connections: 20000
websocket {
  listen: "127.0.0.1:${webSocketPort}"
  no_tls: true
}
`;
}
