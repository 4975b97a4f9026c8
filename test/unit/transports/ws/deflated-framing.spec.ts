import { once } from 'node:events';
import type { Transform, Writable } from 'node:stream';
import { createInflateRaw, deflateRawSync } from 'node:zlib';
import { decode } from '@msgpack/msgpack';
import fc from 'fast-check';
import * as ws from 'ws';
import { describe, expect, test } from 'vitest';
import {
  deflatedJsonFraming,
  deflatedMessagePackFraming,
  jsonFraming,
  messagePackFraming,
} from '../../../../src/transports/ws/framing.js';
import { SeededRandom } from '../../../support/seeded-random.js';

const RSV1 = 0x40;
/** What JSON writes as it is. */
const SYMBOLS = Array.from({ length: 0x7f - 0x20 }, (_, at) => String.fromCharCode(0x20 + at)).filter(
  (symbol) => symbol !== '"' && symbol !== '\\',
);

/** What the receiver of `ws`, which is a client here that has negotiated permessage-deflate, makes of these bytes. */
async function receive(bytes: Buffer, count: number): Promise<Buffer[]> {
  const { Receiver, PerMessageDeflate } = ws as unknown as Library;
  const deflate = new PerMessageDeflate({});
  deflate.accept([{ server_no_context_takeover: [true], client_no_context_takeover: [true] }]);
  const receiver = new Receiver({ extensions: { 'permessage-deflate': deflate } });
  const received: Buffer[] = [];
  const all = new Promise<void>((resolve, reject) => {
    receiver.on('message', (data: Buffer) => {
      if (received.push(data) === count) resolve();
    });
    receiver.on('error', reject);
  });
  receiver.write(bytes);
  await all;
  return received;
}

interface Library {
  readonly Receiver: new (options: object) => Writable;
  readonly PerMessageDeflate: new (options: object) => { accept(response: object[]): void };
}

const framings = [
  { deflated: deflatedJsonFraming, plain: jsonFraming, read: (data: Buffer): unknown => JSON.parse(data.toString()) },
  { deflated: deflatedMessagePackFraming, plain: messagePackFraming, read: (data: Buffer) => decode(data) },
];

/** Hardly any of it can be said shorter. */
function noise(length: number): string {
  const random = new SeededRandom(length);
  return Array.from({ length }, () => SYMBOLS[random.below(SYMBOLS.length)]).join('');
}

describe.each(framings)('$deflated.name', ({ deflated, plain, read }) => {
  const isCompressed = (frame: Buffer) => (frame[0]! & RSV1) !== 0;

  test('compresses a message that is worth it, as a whole message of the same kind', () => {
    const message = { a: 'x'.repeat(1000) };
    const frame = deflated.frame(message);

    expect(frame[0]).toBe(plain.frame(message)[0]! | RSV1);
    expect(frame.length).toBeLessThan(50);
  });

  test.each([300, 4095, 4096, 4097, 65_535, 65_536, 1_048_576])(
    'a client reads a message of %d bytes',
    async (length) => {
      const message = {
        a: 'x'.repeat(length),
        list: Array.from({ length: length / 50 }, (_, at) => ({ at, half: at / 2 })),
      };
      const frame = deflated.frame(message);

      expect(isCompressed(frame)).toBe(true);
      expect(read((await receive(frame, 1))[0]!)).toEqual(message);
    },
  );

  test('a small message is framed as without compression', () => {
    const message = { type: 'pong', a: 'x'.repeat(200) };

    expect(deflated.frame(message)).toEqual(plain.frame(message));
  });

  test('frames that are written as one piece are received as what they are, each without those before it', async () => {
    const big = { a: 'x'.repeat(1000), b: 'ä漢🙂'.repeat(100) };
    const messages = [big, { small: 1 }, big, { a: noise(70_000) }, big];
    const frames = messages.map((message) => deflated.frame(message));

    expect(frames[0]).toEqual(frames[2]);
    expect((await receive(Buffer.concat(frames), messages.length)).map(read)).toEqual(messages);
    expect((await receive(frames[4]!, 1)).map(read)).toEqual([big]);
  });

  test('a client with a window of 4 KB reads a message that repeats itself further back', async () => {
    const block = noise(6000);
    const message = { a: block, b: block };

    expect(read(await inflateWithin(12, bodyOf(deflated.frame(message))))).toEqual(message);
    // The same block, said again by pointing back at it, is too far away for that client.
    await expect(inflateWithin(12, deflateRawSync(block + block))).rejects.toThrow('too far back');
  });

  test('a client reads what was said', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 10 }), async (said) => {
        const plain = JSON.parse(JSON.stringify(said)) as object;
        fc.pre(!JSON.stringify(plain).includes('__proto__'));
        const [received] = await receive(deflated.frame(plain), 1);
        expect(read(received!)).toEqual(plain);
      }),
    );
  });
});

test('a message that would not get shorter is framed as without compression', () => {
  const random = new SeededRandom(7);
  const message = { values: Array.from({ length: 30 }, () => random.below(2 ** 31) / 7919) };
  const frame = messagePackFraming.frame(message);

  expect(frame.length).toBeGreaterThan(256);
  expect(deflatedMessagePackFraming.frame(message)).toEqual(frame);
});

test('no two framings have one name: their audiences differ', () => {
  const names = framings.flatMap(({ deflated, plain }) => [deflated.name, plain.name]);

  expect(new Set(names).size).toBe(4);
});

/** What a frame of up to 64 KB carries. */
function bodyOf(frame: Buffer): Buffer {
  const length = frame[1]!;
  expect(length).toBeLessThan(127);
  return frame.subarray(length < 126 ? 2 : 4);
}

/** What a client makes of a compressed payload that keeps no more than a window of what it has seen. */
async function inflateWithin(windowBits: number, payload: Buffer): Promise<Buffer> {
  // What is still in its output it could look back at, however narrow its window is: so that is small.
  const inflate: Transform = createInflateRaw({ windowBits, chunkSize: 64 });
  const parts: Buffer[] = [];
  inflate.on('data', (part: Buffer) => parts.push(part));
  inflate.write(payload);
  // An empty last block ends what a flush left open.
  inflate.end(Buffer.from([0x00, 0x00, 0xff, 0xff, 0x03, 0x00]));
  await once(inflate, 'end');
  return Buffer.concat(parts);
}
