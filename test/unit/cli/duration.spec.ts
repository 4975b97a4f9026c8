import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/cli/duration.js';

describe('a duration', () => {
  it.each([
    ['30s', 30],
    ['15m', 900],
    ['1h', 3600],
    ['7d', 604_800],
    ['90m', 5400],
    ['01h', 3600],
    ['3650d', 315_360_000],
  ])('%s is %i seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each([
    '',
    '1',
    'h',
    '0s',
    '-1h',
    '1.5h',
    '1 h',
    ' 1h',
    '1h ',
    '1H',
    '1y',
    '1h30m',
    '1e3s',
    '3651d',
    '9'.repeat(400) + 's',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
