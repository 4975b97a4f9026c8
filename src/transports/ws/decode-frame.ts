import { Decoder } from '@msgpack/msgpack';
import { MetricastError } from '../../protocol/index.js';

export type Frame = Readonly<Record<string, unknown>>;

/** More than any command needs, and too little to exhaust anything: a length is believed only up to these. */
const decoder = new Decoder({
  maxStrLength: 64 * 1024,
  maxBinLength: 64 * 1024,
  maxArrayLength: 1024,
  maxMapLength: 256,
  maxExtLength: 0,
});

/**
 * The object in a client's frame: JSON in a text frame, MessagePack in a binary one.
 *
 * @throws {@link MetricastError} `bad_frame`, or `bad_binary`, with which a connection ends.
 */
export function decodeFrame(data: Buffer, isBinary: boolean): Frame {
  const value = isBinary ? decodeMessagePack(data) : decodeJson(data);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MetricastError('bad_frame');
  return value as Frame;
}

function decodeJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8')) as unknown;
  } catch (cause) {
    throw new MetricastError('bad_frame', { cause });
  }
}

function decodeMessagePack(data: Buffer): unknown {
  try {
    return decoder.decode(data);
  } catch (cause) {
    throw new MetricastError('bad_binary', { cause });
  }
}
