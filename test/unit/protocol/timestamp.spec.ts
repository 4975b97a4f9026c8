import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoTimestamp, parseTimestamp, unixSeconds } from '../../../src/protocol/index.js';

const NOON = Date.UTC(2026, 10, 21, 12, 0, 0);

describe('a timestamp', () => {
  test('is written as ISO-8601 in UTC with milliseconds', () => {
    expect(isoTimestamp(NOON)).toBe('2026-11-21T12:00:00.000Z');
    expect(isoTimestamp(NOON + 7)).toBe('2026-11-21T12:00:00.007Z');
    expect(isoTimestamp(NOON)).toBe('2026-11-21T12:00:00.000Z');
  });

  test('is written as Unix seconds with a fraction', () =>
    expect(unixSeconds(1_699_459_200_250)).toBe(1_699_459_200.25));

  test.each([
    ['2026-11-21T12:00:00.000Z', NOON],
    ['2026-11-21T12:00:00Z', NOON],
    ['2026-11-21T12:00Z', NOON],
    ['2026-11-21 12:00:00Z', NOON],
    ['2026-11-21T13:00:00+01:00', NOON],
    ['2026-11-21T13:00:00+0100', NOON],
    ['2026-11-21T06:30:00-05:30', NOON],
    ['2026-11-21T12:00:00.1Z', NOON + 100],
    ['2026-11-21T12:00:00.123456789Z', NOON + 123],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
  ])('is read from %s', (text, instant) => expect(parseTimestamp(text)).toBe(instant));

  test.each(['2026-11-21T12:00:00', '2026-11-21 12:00:00', '2026-11-21T12:00', '2026-11-21T12:00:00.000'])(
    'is UTC where no zone is said, as in %s',
    (text) => expect(parseTimestamp(text)).toBe(NOON),
  );

  test.each([
    [0, 0],
    [1_699_459_200, 1_699_459_200_000],
    [1_699_459_200.25, 1_699_459_200_250],
    [1_699_459_200.0004, 1_699_459_200_000],
  ])('is read from %d Unix seconds', (seconds, instant) => expect(parseTimestamp(seconds)).toBe(instant));

  test.each([
    'now',
    '',
    '12:00:00',
    '2026',
    '2026-11',
    '2026-13-01',
    '2026-11-32',
    '2026-02-30',
    '2025-02-29',
    '2026-11-21T25:00:00Z',
    '2026-11-21T12:61:00Z',
    '2026-11-21T12:00:00+99:99',
    ' 2026-11-21',
    '2026-11-21T12:00:00Z (noon)',
    'Sat Nov 21 2026',
    '21/11/2026',
    '1699459200',
    '+012026-11-21T12:00:00Z',
    '1969-12-31T23:59:59Z',
    -1,
    Number.NaN,
    Infinity,
    -Infinity,
    1e18,
    undefined,
    null,
    true,
    {},
    [NOON],
    new Date(NOON),
  ])('is not %j', (value) => expect(parseTimestamp(value)).toBeUndefined());

  test('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9998, 11, 31) }), (instant) => {
        expect(parseTimestamp(isoTimestamp(instant))).toBe(instant);
        expect(parseTimestamp(unixSeconds(instant))).toBe(instant);
      }),
    );
  });

  test('that was read can be written, whatever it was read from', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.string(), fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/)), (value) => {
        const instant = parseTimestamp(value);
        if (instant !== undefined) expect(isoTimestamp(instant)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }),
    );
  });
});
