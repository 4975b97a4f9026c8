/** What a frame says of itself (RFC 6455, 5.2): right where nothing else is said. */
export interface FrameHead {
  readonly isFinal?: boolean;
  /** RSV1 to RSV3, as the bits 4, 2 and 1. */
  readonly reserved?: number;
  readonly opcode?: number;
  readonly isMasked?: boolean;
  /** Bytes in which the length is said; by default the fewest. */
  readonly lengthBytes?: 1 | 2 | 8;
  /** The length that is said, whatever follows. */
  readonly announced?: bigint;
}

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Every byte differs, so that one which is not undone shows. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** The bytes of a client's frame, of text where nothing else is said. */
export function rawFrame(payload: string | Uint8Array, head: FrameHead = {}): Buffer {
  const { isFinal = true, reserved = 0, opcode = OPCODES.text, isMasked = true } = head;
  const content = Buffer.from(payload as string);
  const length = lengthField(head.announced ?? BigInt(content.length), head.lengthBytes);
  length[0]! |= isMasked ? 0x80 : 0;
  const first = Buffer.of((isFinal ? 0x80 : 0) | (reserved << 4) | opcode);
  return Buffer.concat([first, length, ...(isMasked ? [MASK, masked(content)] : [content])]);
}

/** A frame whose payload is a JSON text. */
export function jsonFrame(message: object, head: FrameHead = {}): Buffer {
  return rawFrame(JSON.stringify(message), head);
}

/** A close frame with this code, and a reason. */
export function closeFrame(code: number, reason: string | Uint8Array = ''): Buffer {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason as string)]);
  payload.writeUInt16BE(code);
  return rawFrame(payload, { opcode: OPCODES.close });
}

function lengthField(length: bigint, bytes = length < 126n ? 1 : length < 65_536n ? 2 : 8): Buffer {
  if (bytes === 1) return Buffer.of(Number(length));
  const field = Buffer.alloc(1 + bytes, bytes === 2 ? 126 : 127);
  if (bytes === 2) field.writeUInt16BE(Number(length), 1);
  else field.writeBigUInt64BE(length, 1);
  return field;
}

function masked(content: Buffer): Buffer {
  return Buffer.from(content.map((byte, at) => byte ^ MASK[at % 4]!));
}
