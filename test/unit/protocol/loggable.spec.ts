import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeThrown, loggable } from '../../../src/protocol/index.js';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLXdpdGhfXy0';

describe('a text for a log', () => {
  it.each(['', 'ready', 'größer als 漢字 🎉', 'a-b_c.d: {"e":[1]} %s'])(
    'is what it was, where that is plain: %s',
    (text) => expect(loggable(text)).toBe(text),
  );

  it.each([
    ['a line that another one is put behind', 'denied\n[Nest] granted', 'denied�[Nest] granted'],
    ['a carriage return', 'denied\rgranted', 'denied�granted'],
    ['what colours a terminal, or moves its cursor', '\u001b[2K\u009b1Agranted', '�[2K�1Agranted'],
    ['a NUL', 'a\0b', 'a�b'],
    ['what turns the direction of reading', 'user\u202etxt.exe\u2066', 'user�txt.exe�'],
    ['other ends of lines', 'a\u2028b\u2029c\u0085d', 'a�b�c�d'],
    ['half of a pair', 'a\ud800b', 'a�b'],
    ['a token', `no good: ${TOKEN}.`, 'no good: [token].'],
    ['a token in an address', `/ws?token=${TOKEN}&x=1`, '/ws?token=[token]&x=1'],
    ['a token that somebody cut', TOKEN.slice(0, 40), '[token]'],
  ])('holds not %s', (_what, text, expected) => expect(loggable(text)).toBe(expected));

  it('keeps the lines of a stack trace, and takes no other for one', () => {
    const error = new Error('two\nlines');
    const [message, ...frames] = loggable(error.stack!).split('\n');

    expect(message).toBe('Error: two�lines');
    expect(frames.length).toBeGreaterThan(0);
    for (const frame of frames) expect(frame).toMatch(/^ {4}at /);
  });

  it('is one line without a control character, whatever it was', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('\n', '\r', '\u001b', '\u202e', ' ', 'a', TOKEN, 'at ', '\u0000'),
    });
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
        const lines = loggable(text).split('\n');
        for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        for (const line of lines.slice(1)) expect(line).toMatch(/^ {4}at /);
        expect(lines.join()).not.toContain(TOKEN);
      }),
    );
  });

  it('is made of whatever was thrown', () => {
    expect(describeThrown(`no\n${TOKEN}`)).toBe('no�[token]');
    expect(describeThrown(new Error('a\u202eb'))).toMatch(/^Error: a�b\n {4}at /);
    expect(describeThrown({ token: TOKEN })).toBe('{"token":"[token]"}');
  });
});
