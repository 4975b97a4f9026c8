import { describe, expect, it } from 'vitest';
import { isBearerToken, parseServerUrl } from '../../../src/cli/post-run.js';

describe('the address of a server', () => {
  it.each([
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/'],
    ['https://metrics.example/api/', 'https://metrics.example/api/'],
    ['http://[::1]:8000?token=hush#here', 'http://[::1]:8000/'],
  ])('%s is %s', (text, href) => {
    expect(parseServerUrl(text)?.href).toBe(href);
  });

  it.each([
    '',
    'metrics',
    '127.0.0.1:8000',
    'ws://127.0.0.1',
    'file:///etc',
    'http://ada@host',
    'http://ada:hush@host',
  ])('%j is none', (text) => {
    expect(parseServerUrl(text)).toBeUndefined();
  });
});

describe('a token', () => {
  it.each(['eyJ.eyJ.a-b_c', 'abc/+~==', 'x'])('may be %j', (text) => {
    expect(isBearerToken(text)).toBe(true);
  });

  it.each(['', 'a b', 'a\n', 'a\r\nX-Evil: 1', '"a"', 'ä', '=='])('cannot be %j', (text) => {
    expect(isBearerToken(text)).toBe(false);
  });
});
