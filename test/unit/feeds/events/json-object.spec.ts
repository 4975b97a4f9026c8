import { describe, expect, it } from 'vitest';
import { jsonObject } from '../../../../src/feeds/events/json-object.js';
import { Refusal } from '../../../../src/recording/index.js';

describe('the data of an event', () => {
  const read = (value: unknown, maxBytes = 1000) => jsonObject(maxBytes)(value, 0);

  it('is as JSON has it', () => {
    const data = {
      nothing: undefined,
      call: () => 1,
      nan: Number.NaN,
      endless: Infinity,
      at: new Date(0),
      list: [undefined, new Map([['a', 1]])],
      own: new (class {
        readonly name = 'x';
        readonly #hidden = 1;
        reveal() {
          return this.#hidden;
        }
      })(),
    };

    expect(read(data)).toStrictEqual({
      nan: null,
      endless: null,
      at: '1970-01-01T00:00:00.000Z',
      list: [null, {}],
      own: { name: 'x' },
    });
  });

  it('is a copy: what becomes of the object later changes nothing', () => {
    const data = { step: 1, inner: { step: 1 } };
    const copy = read(data);
    data.step = data.inner.step = 2;

    expect(copy).toEqual({ step: 1, inner: { step: 1 } });
  });

  it('keeps names that mean something to JavaScript, but for the one that decoders of MessagePack refuse', () => {
    const data: unknown = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}');

    expect(JSON.stringify(read(data))).toBe('{"constructor":2}');
  });

  it.each([undefined, null, 7, 'text', true, [1], [], () => 1, new Date(0), Symbol('s')])('cannot be %s', (value) => {
    expect(read(value)).toEqual(new Refusal('must be an object'));
  });

  it('may be empty', () => {
    expect(read({})).toEqual({});
  });

  it('cannot hold a BigInt, nor itself, nor what fails to convert itself, and says which it was', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const failing = {
      toJSON() {
        throw new Error('not now\nat all');
      },
    };
    const thrower = {
      toJSON() {
        // What is thrown need not be an error.
        throw 'a text'; // oxlint-disable-line no-throw-literal, only-throw-error
      },
    };
    const messages = [{ n: 1n }, circle, { failing }, { thrower }].map((value) => (read(value) as Refusal).message);

    expect(messages).toEqual([
      expect.stringMatching(/^must be something that JSON can say: .*BigInt/),
      expect.stringMatching(/^must be something that JSON can say: .*circular/),
      'must be something that JSON can say: not now',
      'must be something that JSON can say: converting it failed',
    ]);
  });

  it('is counted in bytes, and may be as long as is allowed', () => {
    const bytes = (count: number) => ({ a: 'ü'.repeat((count - '{"a":""}'.length) / 2) });

    expect(read(bytes(1000))).toEqual(bytes(1000));
    expect(read(bytes(1002))).toEqual(new Refusal('must be at most 1000 bytes of JSON'));
  });

  it('may be 32 levels deep, and no deeper', () => {
    const nested = (levels: number): object => {
      let value: object = levels % 2 > 0 ? {} : [];
      for (let level = levels - 1; level > 0; level--) value = level % 2 > 0 ? { a: value } : [value];
      return value;
    };
    const refusal = new Refusal('must be at most 32 levels deep');

    expect(read(nested(32))).toEqual(nested(32));
    expect(read(nested(33))).toEqual(refusal);
    expect(read({ a: nested(100_000) }, 1e9)).toEqual(refusal);
  });
});
