// Bytes that a client sends, ready for the generator, which knows no protocol.

const FIN = 0x80;
const TEXT = 0x1;
const BINARY = 0x2;
const MASKED = 0x80;
/** A mask of zeros is a mask, and changes nothing. */
const MASK = Buffer.alloc(4);

export type Headers = Readonly<Record<string, string>>;

/** The request that opens a WebSocket. All may send the same key. */
export function webSocketOpening(path: string, headers: Headers = {}): Buffer {
  return head('GET', path, {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'bWV0cmljYXN0IGJlbmNoIQ==',
    ...headers,
  });
}

/** The request that opens a stream of server-sent events. */
export function streamOpening(path: string, headers: Headers = {}): Buffer {
  return head('GET', path, { Accept: 'text/event-stream', ...headers });
}

/** A request on a connection that is kept. What is not bytes is sent as JSON. */
export function post(path: string, body: unknown, headers: Headers = {}): Buffer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const headed = head('POST', path, {
    'Content-Type': 'application/json',
    'Content-Length': String(bytes.length),
    ...headers,
  });
  return Buffer.concat([headed, bytes]);
}

/** A client's frame of less than 64 KiB: bytes in a binary one, all else as JSON in a text one. */
export function clientFrame(message: unknown): Buffer {
  const isBinary = Buffer.isBuffer(message);
  const payload = isBinary ? message : Buffer.from(JSON.stringify(message));
  const isShort = payload.length < 126;
  const header = Buffer.alloc(isShort ? 2 : 4);
  header[0] = FIN | (isBinary ? BINARY : TEXT);
  header[1] = MASKED | (isShort ? payload.length : 126);
  if (!isShort) header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, MASK, payload]);
}

/** A client's text frame with a text that is not JSON. */
export function clientText(text: string): Buffer {
  const frame = clientFrame(Buffer.from(text));
  frame[0] = FIN | TEXT;
  return frame;
}

function head(method: string, path: string, headers: Headers): Buffer {
  const lines = Object.entries({ Host: '127.0.0.1', ...headers }).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
}
