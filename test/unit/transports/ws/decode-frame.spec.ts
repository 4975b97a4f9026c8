import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MetricastError } from '../../../../src/protocol/index.js';
import { decodeFrame } from '../../../../src/transports/ws/decode-frame.js';

/** The code of the error that the frame gives, or `frame`. */
function outcome(data: Uint8Array, isBinary: boolean): string {
  try {
    const frame = decodeFrame(Buffer.from(data), isBinary);
    expect(typeof frame).toBe('object');
    expect(Array.isArray(frame)).toBe(false);
    return 'frame';
  } catch (error) {
    expect(error).toBeInstanceOf(MetricastError);
    return (error as MetricastError).code;
  }
}

function expectCleanPrototypes(): void {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
}

describe('a text frame', () => {
  test('is the object in its JSON', () => {
    expect(decodeFrame(Buffer.from(' {"type":"ping","id":"ä"}\n'), false)).toEqual({ type: 'ping', id: 'ä' });
  });

  test.each([
    '',
    ' ',
    'ping',
    '{',
    '{"a":1}{}',
    "{'a':1}",
    '{"a":NaN}',
    '[]',
    '[{}]',
    'null',
    '7',
    '"text"',
    'true',
    '\ufeff{}',
    '\0',
  ])('is refused where it holds %j', (text) => expect(outcome(Buffer.from(text), false)).toBe('bad_frame'));

  test('of a megabyte of brackets is refused like any other', () => {
    for (const text of ['['.repeat(1 << 20), '{"a":'.repeat(200_000)]) {
      expect(outcome(Buffer.from(text), false)).toBe('bad_frame');
    }
  });

  test('is an object or refused, whatever is in it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), (text) => {
        expect(['frame', 'bad_frame']).toContain(outcome(Buffer.from(text), false));
      }),
      { numRuns: 1000 },
    );
  });

  test('that names a prototype changes none', () => {
    const frame = decodeFrame(
      Buffer.from('{"__proto__":{"type":"ping","polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
      false,
    );
    expect(frame['type']).toBeUndefined();
    expect(frame['polluted']).toBeUndefined();
    expectCleanPrototypes();
  });
});

describe('a binary frame', () => {
  test('is the object in its MessagePack', () => {
    const frame = {
      type: 'subscribe',
      id: 1.5,
      data: { channels: ['a.metrics'], compression: true, tags: { a: ['b'] } },
    };
    expect(decodeFrame(Buffer.from(encode(frame)), true)).toEqual(frame);
  });

  test.each([null, true, 7, 'text', [], [{}]])('of %j, which is no object, is refused as one of the sort', (value) =>
    expect(outcome(encode(value), true)).toBe('bad_frame'),
  );

  test.each([
    ['nothing', []],
    ['a byte that is never used', [0xc1]],
    ['more than one value', [0x80, 0x80]],
    ['a map without its value', [0x81, 0xa1, 0x61]],
    ['a text that is cut off', [0xdb, 0xff, 0xff, 0xff, 0xff, 0x61]],
    ['a list that is longer than memory', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map as a key', [0x81, 0x80, 0x01]],
    ['__proto__ as a key', [0x81, 0xa9, ...Buffer.from('__proto__'), 0x01]],
    ['JSON', [...Buffer.from('{"type":"ping"}')]],
  ])('of %s is not MessagePack', (_what, bytes) => expect(outcome(Buffer.from(bytes), true)).toBe('bad_binary'));

  test('of bytes at random is an object or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['frame', 'bad_frame', 'bad_binary']).toContain(outcome(bytes, true));
      }),
      { numRuns: 3000 },
    );
    expectCleanPrototypes();
  });

  test('of a command with some of its bytes changed is an object or refused', () => {
    const bytes = encode({ type: 'subscribe', id: 7, data: { channels: ['a.metrics'], tags: { env: 'a' } } });
    const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(changes, fc.nat(bytes.length), (changed, length) => {
        const damaged = Uint8Array.from(bytes);
        for (const [at, byte] of changed) damaged[at] = byte;
        expect(['frame', 'bad_frame', 'bad_binary']).toContain(outcome(damaged.subarray(0, length + 1), true));
      }),
      { numRuns: 3000 },
    );
    expectCleanPrototypes();
  });

  test('that holds JSON is what that says', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (said) => {
        const plain = JSON.parse(JSON.stringify(said)) as object;
        fc.pre(!JSON.stringify(plain).includes('__proto__'));
        expect(decodeFrame(Buffer.from(encode(plain)), true)).toEqual(plain);
      }),
    );
  });
});
