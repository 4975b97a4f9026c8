import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServerLogger } from '../../../src/server-logger.js';

describe('the log of the standalone server, in JSON', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** What is written, of what is logged. */
  function written(log: (logger: ServerLogger) => void): string {
    let text = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((text += String(chunk)), true));
    log(new ServerLogger({ json: true }));
    return text;
  }

  it.each([
    'ready',
    'größer als 漢字 🎉',
    'a\r\nb',
    '\0\u001b[31m\u007f\u0085\u009b',
    '\u202eexe.txt\u2066\u2028\u2029',
  ])('says %j in one line of printable characters, which reads as what it was', (message) => {
    const line = written((logger) => logger.log(message, 'Here'));

    expect(line.endsWith('\n')).toBe(true);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    expect(JSON.parse(line)).toMatchObject({ level: 'log', context: 'Here', message });
  });

  it('escapes also what stands in objects, keys included', () => {
    const line = written((logger) => logger.log({ 'a\u202eb': 'c\u2028d' }));

    expect(line).toContain('a\\u202eb');
    expect(line).toContain('c\\u2028d');
  });
});
