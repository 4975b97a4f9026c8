import { describe, expect, it } from 'vitest';
import {
  type Field,
  Refusal,
  boolean,
  lines,
  number,
  oneOf,
  optional,
  readItem,
  tags,
  text,
  timestamp,
} from '../../../src/recording/fields.js';

const NOW = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;

/** What a field makes of a value: the value, or the reason for which it is refused. */
const read = <T>(field: Field<T>, value: unknown) => {
  const result = field(value, NOW);
  return result instanceof Refusal ? { refused: result.message } : result;
};
const refused = { refused: expect.any(String) as string };

describe('text', () => {
  it.each(['a', 'a b', 'ünï', '😀', "'; DROP TABLE x", '$1', 'x'.repeat(200)])('takes %j', (value) => {
    expect(read(text(200), value)).toBe(value);
  });

  it.each([
    ['nothing', ''],
    ['too long a text', 'x'.repeat(201)],
    ['a line end', 'a\nb'],
    ['a null character', 'a\0b'],
    ['half of a surrogate pair', '\ud800'],
    ['the other half', 'a\udc00'],
    ['text that turns around', 'a\u202eb'],
    ['a number', 1],
    ['null', null],
    ['nothing at all', undefined],
    ['an object', { toString: () => 'a' }],
  ])('refuses %s', (_what, value) => {
    expect(read(text(200), value)).toEqual({ refused: 'must be a printable text of 1 to 200 characters' });
  });
});

describe('lines', () => {
  it.each(['a', 'a\nb', 'a\r\nb', '\ta', '\n', '😀\n', 'x\n'.repeat(100)])('takes %j', (value) => {
    expect(read(lines(200), value)).toBe(value);
  });

  it.each([
    ['nothing', ''],
    ['too long a text', 'x\n'.repeat(100) + 'x'],
    ['a null character', 'a\n\0'],
    ['a bell', 'a\u0007'],
    ['an escape sequence', '\u001b[31ma'],
    ['a vertical tab', 'a\vb'],
    ['a form feed', 'a\fb'],
    ['a control character of the second kind', 'a\u0085b'],
    ['half of a surrogate pair', '\ud800\n'],
    ['halves that a line break keeps apart', '\ud83d\n\ude00'],
    ['text that turns around', 'a\n\u202eb'],
    ['a number', 1],
    ['null', null],
    ['a list of lines', ['a', 'b']],
  ])('refuses %s', (_what, value) => {
    const refused = 'must be a printable text of 1 to 200 characters; it may have line breaks and tabs';
    expect(read(lines(200), value)).toEqual({ refused });
  });
});

describe('number', () => {
  it.each([0, -1.5, 1e308, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE])('takes %d', (value) => {
    expect(read(number(), value)).toBe(value);
  });

  it.each([Number.NaN, Infinity, -Infinity, '1', null, undefined, true, [1], 1n])('refuses %s', (value) => {
    expect(read(number(), value)).toEqual({ refused: 'must be a finite number' });
  });

  it('keeps within its limits, which belong to it', () => {
    const field = number(0, 10);
    expect([0, 10].map((value) => read(field, value))).toEqual([0, 10]);
    expect(read(field, -0.001)).toEqual({ refused: 'must be a finite number from 0 to 10' });
    expect(read(field, 10.001)).toEqual(refused);
    expect(read(number(1), 0)).toEqual({ refused: 'must be a finite number of at least 1' });
  });
});

describe('boolean', () => {
  it.each([true, false])('takes %s', (value) => expect(read(boolean, value)).toBe(value));
  it.each([0, 1, 'true', null, undefined])('refuses %j', (value) => expect(read(boolean, value)).toEqual(refused));
});

describe('one of', () => {
  const field = oneOf('gauge', 'counter');
  it('takes a choice', () => expect(read(field, 'counter')).toBe('counter'));
  it.each(['GAUGE', '', 'toString', 0, null, undefined, ['gauge']])('refuses %j', (value) => {
    expect(read(field, value)).toEqual({ refused: 'must be one of gauge, counter' });
  });
});

describe('optional', () => {
  const field = optional(number());
  it.each([undefined, null])('takes %s for absent', (value) => expect(read(field, value)).toBeUndefined());
  it('takes what the field takes', () => expect(read(field, 0)).toBe(0));
  it('refuses what the field refuses', () => expect(read(field, '')).toEqual(refused));
});

describe('timestamp', () => {
  it.each([
    ['absent', undefined, NOW],
    ['null', null, NOW],
    ['ISO-8601', '2026-11-21T11:59:59.123Z', NOW - 877],
    ['another zone', '2026-11-21T13:00:00+01:00', NOW],
    ['seconds', NOW / 1000, NOW],
    ['seconds with a fraction', NOW / 1000 - 0.001, NOW - 1],
    ['the beginning of time', 0, 0],
    ['5 minutes ahead', (NOW + 5 * MINUTE) / 1000, NOW + 5 * MINUTE],
  ])('%s', (_what, value, instant) => expect(read(timestamp, value)).toBe(instant));

  it('refuses more than 5 minutes ahead', () => {
    const message = 'must not be more than 5 minutes in the future';
    expect(read(timestamp, (NOW + 5 * MINUTE + 1) / 1000)).toEqual({ refused: message });
    // Milliseconds, taken for seconds.
    expect(read(timestamp, NOW)).toEqual(refused);
  });

  it.each(['yesterday', '', '2026-13-01T00:00:00Z', '21.11.2026', -1, Number.NaN, Infinity, true, {}])(
    'refuses %j',
    (value) => expect(read(timestamp, value)).toEqual({ refused: 'must be an ISO-8601 time or Unix seconds' }),
  );
});

describe('tags', () => {
  it('sorts them by name', () => {
    expect(JSON.stringify(read(tags, { b: '2', a: '1' }))).toBe('{"a":"1","b":"2"}');
  });
  it('are none where absent', () => expect(read(tags, undefined)).toEqual({}));
  it.each([[['a']], 'a', { a: 1 }, { a: '' }, { 'a b': '1' }, JSON.parse('{"__proto__":"1"}')])('refuses %j', (value) =>
    expect(read(tags, value)).toEqual(refused),
  );
});

describe('item', () => {
  const fields = { name: text(10), value: optional(number()) };

  it('is what its fields read, and nothing that it has beside them', () => {
    expect(readItem(fields, { name: 'a', value: 1, tenant_id: 'other' }, NOW)).toEqual({ name: 'a', value: 1 });
  });

  it('names the first field that is bad', () => {
    expect(readItem(fields, { name: '', value: 'x' }, NOW)).toMatchObject({ field: 'name' });
    expect(readItem(fields, { name: 'a', value: 'x' }, NOW)).toMatchObject({ field: 'value' });
  });

  it.each([null, undefined, 1, 'a', [], [{ name: 'a' }]])('%j is none', (item) => {
    expect(readItem(fields, item, NOW)).toEqual({ field: '', message: 'must be an object' });
  });

  it('does not read what an object inherits', () => {
    expect(readItem({ constructor: text(1000) }, {}, NOW)).toMatchObject({ field: 'constructor' });
    expect(readItem(fields, Object.create({ name: 'a' }), NOW)).toMatchObject({ field: 'name' });
  });
});
