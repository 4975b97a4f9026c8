import { encode } from '@msgpack/msgpack';
import type { Framing } from '../../hub/index.js';
import type { WireMessage } from '../../protocol/index.js';

/** First byte of a frame that is a whole message: FIN, and the opcode (RFC 6455, 5.2). */
const TEXT = 0x81;
const BINARY = 0x82;

/** JSON in text frames. */
export const jsonFraming: Framing = {
  name: 'ws-json',
  frame: (message) => frame(TEXT, Buffer.from(JSON.stringify(message))),
};

/** MessagePack in binary frames. */
export const messagePackFraming: Framing = {
  name: 'ws-msgpack',
  frame: (message: WireMessage) => frame(BINARY, encode(message, { ignoreUndefined: true })),
};

/**
 * A whole frame, header and payload in one buffer. A server's frames are not masked, so the same bytes serve every
 * receiver, and reach its socket without a copy.
 */
function frame(firstByte: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const buffer = Buffer.allocUnsafe(headerLength + length);
  buffer[0] = firstByte;
  if (headerLength === 2) {
    buffer[1] = length;
  } else if (headerLength === 4) {
    buffer[1] = 126;
    buffer.writeUInt16BE(length, 2);
  } else {
    buffer[1] = 127;
    buffer.writeBigUInt64BE(BigInt(length), 2);
  }
  buffer.set(payload, headerLength);
  return buffer;
}
