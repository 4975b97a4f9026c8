import type { Writable } from 'node:stream';
import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import * as ws from 'ws';
import { describe, expect, test } from 'vitest';
import { jsonFraming, messagePackFraming } from '../../../../src/transports/ws/framing.js';

interface Received {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** What the receiver of `ws`, which is a client here, makes of these bytes. */
function receive(bytes: Buffer): Received[] {
  const { Receiver } = ws as unknown as { Receiver: new () => Writable };
  const receiver = new Receiver();
  const received: Received[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => received.push({ data: Buffer.from(data), isBinary }));
  receiver.on('error', (error) => expect.fail(error.message));
  receiver.write(bytes);
  return received;
}

const framings = [
  {
    framing: jsonFraming,
    isBinary: false,
    encoded: (message: object) => Buffer.from(JSON.stringify(message)),
    read: (data: Buffer): unknown => JSON.parse(data.toString()),
  },
  {
    framing: messagePackFraming,
    isBinary: true,
    encoded: (message: object) => Buffer.from(encode(message)),
    read: (data: Buffer) => decode(data),
  },
];

describe.each(framings)('$framing.name', ({ framing, isBinary, encoded, read }) => {
  /** A message of exactly so many bytes in this encoding. */
  function messageOf(length: number): object {
    const lengthOf = (filler: number) => encoded({ a: 'x'.repeat(filler) }).length;
    let filler = length - lengthOf(0);
    filler -= lengthOf(filler) - length;
    return { a: 'x'.repeat(filler) };
  }

  test.each([
    [125, 2],
    [126, 4],
    [127, 4],
    [65_535, 4],
    [65_536, 10],
    [65_537, 10],
    [1_048_576, 10],
  ])('puts a header before %d bytes that a client understands', (length, headerLength) => {
    const message = messageOf(length);
    const frame = framing.frame(message);
    expect(frame).toHaveLength(headerLength + length);
    const [received, ...more] = receive(frame);
    expect(more).toEqual([]);
    expect(received!.isBinary).toBe(isBinary);
    expect(received!.data.equals(encoded(message))).toBe(true);
  });

  test('is not masked, and a whole message each', () => {
    const frame = framing.frame({});
    expect(frame[0]).toBe(isBinary ? 0x82 : 0x81);
    expect(frame[1]! & 0x80).toBe(0);
  });

  test('frames that are written as one piece are received as what they are', () => {
    const messages = [{ a: 1 }, messageOf(126), messageOf(65_536), { a: 'ä漢🙂' }];
    const received = receive(Buffer.concat(messages.map((message) => framing.frame(message))));
    expect(received.map(({ data }) => read(data))).toEqual(messages);
  });

  test('what is undefined is not there', () => {
    const [received] = receive(framing.frame({ a: 1, id: undefined, inner: { b: undefined } }));
    expect(read(received!.data)).toStrictEqual({ a: 1, inner: {} });
  });

  test('a client reads what was said', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (said) => {
        // -0 is 0 in JSON; and MessagePack's decoder refuses the one name that JSON takes for any other.
        const plain = JSON.parse(JSON.stringify(said)) as object;
        fc.pre(!JSON.stringify(plain).includes('__proto__'));
        const [received] = receive(framing.frame(plain));
        expect(read(received!.data)).toEqual(plain);
      }),
    );
  });
});
