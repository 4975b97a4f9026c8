import type { IncomingMessage } from 'node:http';
import { MetricastError } from '../protocol/index.js';

const MAX_BODY_BYTES = 5 * 1024 * 1024;

export interface BodyReading {
  /** How long to wait for the next piece, in milliseconds. */
  readonly patience: number;
  /** Called with the size of each piece before it is kept. */
  readonly take: (bytes: number) => void;
  /** Called where nothing came for too long, before the error is thrown. */
  readonly onStall: () => void;
}

/**
 * Reads a body to its end.
 *
 * @throws {@link MetricastError} `too_large`, `bad_request` where it breaks off or brings nothing for too long; whatever
 * `take` throws.
 */
export async function readBody(
  request: IncomingMessage,
  announcedBytes: number,
  { patience, take, onStall }: BodyReading,
): Promise<Buffer> {
  if (announcedBytes > MAX_BODY_BYTES) throw tooLarge();
  // Giving up must not destroy the socket, on which the answer has to leave.
  const pieces = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  const chunks: Buffer[] = [];
  let size = 0;
  const keep = (piece: Buffer) => {
    size += piece.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    take(piece.length);
    chunks.push(piece);
  };
  for (;;) {
    const piece = await nextOf(pieces, patience, onStall);
    if (piece.done) return Buffer.concat(chunks);
    try {
      keep(piece.value);
    } catch (error) {
      // Lets go of the request, so that the rest of it can be thrown away. One that stalls never would.
      await pieces.return?.();
      throw error;
    }
  }
}

async function nextOf(
  pieces: AsyncIterator<Buffer>,
  patience: number,
  onStall: () => void,
): Promise<IteratorResult<Buffer>> {
  let timer: NodeJS.Timeout | undefined;
  const stall = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      onStall();
      reject(new Error('nothing came'));
    }, patience);
  });
  try {
    return await Promise.race([pieces.next(), stall]);
  } catch (cause) {
    // A client that goes away in the middle is nobody's fault here.
    throw new MetricastError('bad_request', { detail: 'the body broke off', cause });
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(): MetricastError {
  return new MetricastError('too_large', { detail: 'at most 5 MiB' });
}
