import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientFrame, webSocketOpening } from '../generator/wire.js';
import { NativeProcess, freePort } from '../harness/native-process.js';
import { messages } from './message.js';
import type { PeerKind } from './peer.js';
import { findProgram } from './program.js';

const TOPIC = 'bench/metrics';
// MQTT 3.1.1, section 2.2.1: control packet types, with the flags that they must have.
const CONNECT = 0x10;
const PUBLISH = 0x30;
const SUBSCRIBE = 0x82;
const CONNECTED = Buffer.from([0x20, 2, 0, 0]);
const SUBSCRIBED = Buffer.from([0x90, 3, 0, 1, 0]);
/** Protocol level 4, a clean session, no keep-alive, and no name, so the server gives one. */
const CONNECT_PACKET = packet(CONNECT, text('MQTT'), Buffer.from([4, 0x02, 0, 0]), text(''));
const SUBSCRIBE_PACKET = packet(SUBSCRIBE, Buffer.from([0, 1]), text(TOPIC), Buffer.from([0]));

/** mosquitto: MQTT over WebSocket, quality of service 0; published over MQTT itself. */
export const MOSQUITTO: PeerKind = {
  name: 'mosquitto',
  async start({ cores, temporary }) {
    const program = findProgram('mosquitto');
    if (program === undefined) return { skipped: 'mosquitto is not installed' };
    const [port, webSocketPort] = [await freePort(), await freePort()];
    const path = join(temporary, `${randomUUID()}.conf`);
    writeFileSync(path, configuration(port, webSocketPort));
    const server = await NativeProcess.start(program, ['-c', path], { core: cores?.server, port: webSocketPort });
    return {
      server,
      client: {
        opening: webSocketOpening('/mqtt', { 'Sec-WebSocket-Protocol': 'mqtt' }),
        subscribe: clientFrame(Buffer.concat([CONNECT_PACKET, SUBSCRIBE_PACKET])),
        answer: SUBSCRIBED,
      },
      publishing: (count) => ({
        port,
        request: Buffer.concat(
          messages(count).map((message) => packet(PUBLISH, text(TOPIC), Buffer.from(JSON.stringify(message)))),
        ),
        publications: count,
        answers: 0,
        opening: CONNECT_PACKET,
        openingAnswer: CONNECTED,
      }),
    };
  },
};

function packet(type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  // Section 2.2.3: seven bits a byte, the lowest first.
  for (let left = body.length; ; left >>= 7) {
    length.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
    if (left <= 0x7f) return Buffer.concat([Buffer.from([type, ...length]), body]);
  }
}

function text(value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([length, Buffer.from(value)]);
}

function configuration(port: number, webSocketPort: number): string {
  return `
${process.getuid?.() === 0 ? 'user root' : ''}
listener ${port} 127.0.0.1
listener ${webSocketPort} 127.0.0.1
protocol websockets
allow_anonymous true
persistence false
set_tcp_nodelay true
log_type error
`;
}
