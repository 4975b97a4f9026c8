import { connect } from 'node:net';
import { type ClientOptions } from 'ws';
import { onTestFinished } from 'vitest';
import { WireClient } from '../../support/wire-client.js';

/** A frame as it came over the wire. */
export interface RawFrame {
  readonly isCompressed: boolean;
  readonly opcode: number;
  readonly bytes: Buffer;
}

export interface Tapped {
  readonly client: WireClient;
  /** All whole frames that came so far. */
  readonly frames: () => RawFrame[];
}

/** A client that offers permessage-deflate, as `ws` does where nothing else is said, with a view of the bytes that it gets. */
export async function openTapped(url: string, options: ClientOptions = {}): Promise<Tapped> {
  const parts: Buffer[] = [];
  const createConnection = (to: object) =>
    connect(to as { port: number }).on('data', (part: Buffer) => parts.push(part));
  const client = await WireClient.open(url, {
    createConnection: createConnection as unknown as ClientOptions['createConnection'],
    ...options,
  });
  onTestFinished(() => client.close());
  return { client, frames: () => framesOf(Buffer.concat(parts)) };
}

/** The frames behind the head of the upgrade's answer. */
function framesOf(received: Buffer): RawFrame[] {
  const frames: RawFrame[] = [];
  let at = received.indexOf('\r\n\r\n') + 4;
  while (at + 2 <= received.length) {
    const short = received[at + 1]!;
    const [header, length] =
      short < 126
        ? [2, short]
        : short === 126
          ? [4, received.readUInt16BE(at + 2)]
          : [10, received.readUInt32BE(at + 6)];
    const end = at + header + length;
    if (end > received.length) break;
    const first = received[at]!;
    frames.push({ isCompressed: (first & 0x40) !== 0, opcode: first & 0x0f, bytes: received.subarray(at, end) });
    at = end;
  }
  return frames;
}
