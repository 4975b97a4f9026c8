import { clientText, streamOpening, webSocketOpening } from '../generator/wire.js';
import { startPeer } from '../harness/peer-server.js';
import { type Client, type PeerKind, publishingByHttp } from './peer.js';

const WEBSOCKET: Client = { opening: webSocketOpening('/') };
const STREAM: Client = { opening: streamOpening('/stream') };
// Without its first round over HTTP; `40` enters the default namespace.
const SOCKET_IO: Client = {
  opening: webSocketOpening('/socket.io/?EIO=4&transport=websocket'),
  subscribe: clientText('40'),
  answer: '40{',
};
const DEFLATE: Client = {
  opening: webSocketOpening('/', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }),
  counts: 'frames',
};

export const FLOOR = node('Node floor', 'floor.server.ts', WEBSOCKET);
export const FLOOR_TOGETHER = node('Node floor, together', 'floor.server.ts', WEBSOCKET, { WRITES: 'together' });
export const WS_FRAMES = node('`ws`, ready frame', 'ws.server.ts', WEBSOCKET, { SENDS: 'frames' });
export const WS_FRAMES_TOGETHER = node('`ws`, ready frames, together', 'ws.server.ts', WEBSOCKET, {
  SENDS: 'frames together',
});
export const WS_BUFFERS = node('`ws.send(Buffer)`', 'ws.server.ts', WEBSOCKET, { SENDS: 'buffers' });
export const WS_TEXTS = node('`ws.send(string)`', 'ws.server.ts', WEBSOCKET, { SENDS: 'texts' });
export const WS_DEFLATE = node('`ws`, permessage-deflate', 'ws.server.ts', DEFLATE, { SENDS: 'deflate' });
export const SOCKET_IO_SERVER = node('Socket.IO', 'socket-io.server.ts', SOCKET_IO);
export const NEST_SOCKET_IO = node('Nest + Socket.IO', 'nest-socket-io.server.ts', SOCKET_IO);
export const NEST_WS = node('Nest + platform-ws', 'nest-ws.server.ts', WEBSOCKET);
export const SSE_FLOOR = node('SSE floor', 'sse-floor.server.ts', STREAM);
export const SSE_FLOOR_TOGETHER = node('SSE floor, together', 'sse-floor.server.ts', STREAM, { WRITES: 'together' });
export const NEST_SSE = node('Nest `@Sse`', 'nest-sse.server.ts', STREAM);

function node(name: string, script: string, client: Client, env: Readonly<Record<string, string>> = {}): PeerKind {
  return {
    name,
    async start(context) {
      const server = await startPeer(context, new URL(script, import.meta.url), env);
      return { server, client, publishing: publishingByHttp(server.port) };
    },
  };
}
