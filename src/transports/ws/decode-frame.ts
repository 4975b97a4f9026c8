import { decode } from '@msgpack/msgpack';
import { MetricastError } from '../../protocol/index.js';
import { isDecodable } from './decodable.js';

export type Frame = Readonly<Record<string, unknown>>;

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
    if (!isDecodable(data)) throw new RangeError('it announces more than it holds, or is nested too deep');
    return decode(data);
  } catch (cause) {
    throw new MetricastError('bad_binary', { cause });
  }
}
