import { encode } from '@msgpack/msgpack';
import type { Framing } from '../../hub/index.js';
import type { WireMessage } from '../../protocol/index.js';
import { deflate } from './deflate.js';

/** First byte of a frame that is a whole message: FIN, and the opcode (RFC 6455, 5.2). */
const TEXT = 0x81;
const BINARY = 0x82;
/** The bit RSV1 of that byte: the payload is compressed (RFC 7692, 6). */
const COMPRESSED = 0x40;

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

/** The same for those who have negotiated permessage-deflate. Nothing carries over, so that what was compressed once serves all. */
export const deflatedJsonFraming: Framing = {
  name: 'ws-json+deflate',
  frame: (message) => deflatedFrame(TEXT, Buffer.from(JSON.stringify(message))),
};

export const deflatedMessagePackFraming: Framing = {
  name: 'ws-msgpack+deflate',
  frame: (message: WireMessage) => deflatedFrame(BINARY, encode(message, { ignoreUndefined: true })),
};

function deflatedFrame(firstByte: number, payload: Uint8Array): Buffer {
  const deflated = deflate(payload);
  return deflated ? frame(firstByte | COMPRESSED, deflated) : frame(firstByte, payload);
}

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
