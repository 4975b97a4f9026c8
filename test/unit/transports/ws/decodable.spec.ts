import { ExtData, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDecodable } from '../../../../src/transports/ws/decodable.js';

const repeated = (unit: number[], count: number) => Uint8Array.from(Array.from({ length: count }, () => unit).flat());
/** A number in lists, so many around each other. */
const nested = (depth: number) => Uint8Array.from([...repeated([0x91], depth), 7]);

describe('what is worth decoding', () => {
  it('is every value that an encoder makes', () => {
    const json = fc.jsonValue({ maxDepth: 20 });
    const values = fc.anything({
      maxDepth: 10,
      withTypedArray: false,
      values: [
        json,
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ maxLength: 300 }),
        fc.double(),
        fc.date({ noInvalidDate: true }),
      ],
    });
    fc.assert(
      fc.property(values, (value) => isDecodable(encode(value))),
      { numRuns: 500 },
    );
  });

  it.each([
    { of: 'long texts', value: ['x'.repeat(31), 'x'.repeat(32), 'x'.repeat(300), 'x'.repeat(70_000)] },
    { of: 'long bytes', value: [new Uint8Array(3), new Uint8Array(300), new Uint8Array(70_000)] },
    { of: 'every size of number', value: [1, -1, 200, -100, 300, -300, 70_000, -70_000, 2 ** 40, -(2 ** 40), 0.5] },
    { of: 'long lists and maps', value: [Array(15).fill(1), Array(300).fill([]), Array(70_000).fill({ a: 1 })] },
    {
      of: 'every size of extension',
      value: [1, 2, 4, 8, 16, 20, 300, 70_000].map((size) => new ExtData(1, new Uint8Array(size))),
    },
  ])('is one of $of, with others behind it', ({ value }) => {
    const bytes = encode([value, [[[1]]]]);

    expect(isDecodable(bytes)).toBe(true);
    // Read to its end: what is announced behind it is noticed.
    expect(isDecodable(Uint8Array.from([...bytes, 0xdd, 0xff, 0xff, 0xff, 0xff]))).toBe(false);
  });

  it('is one in 64 lists, and not in one more', () => {
    expect(isDecodable(nested(64))).toBe(true);
    expect(isDecodable(nested(65))).toBe(false);
  });

  it('are many lists beside each other, however many', () => {
    const beside = encode(Array.from({ length: 10_000 }, () => [[], {}, { a: [1] }]));

    expect(isDecodable(beside)).toBe(true);
  });

  it('is not what announces more entries than it has bytes', () => {
    expect(isDecodable(repeated([0xdc, 0x04, 0x00], 10))).toBe(false);
    expect(isDecodable(repeated([0xde, 0x04, 0x00], 10))).toBe(false);
    expect(isDecodable(Uint8Array.from([0xdd, 0xff, 0xff, 0xff, 0xff]))).toBe(false);
    expect(isDecodable(Uint8Array.from([0xdf, 0xff, 0xff, 0xff, 0xff]))).toBe(false);
  });

  it('cannot be said of a header that breaks off', () => {
    expect(() => isDecodable(Uint8Array.from([0xdd, 0xff]))).toThrow(RangeError);
  });
});
