import { describe, expect, it } from 'vitest';
import { UsageError, parseArguments, splitAtTerminator, wantsHelp } from '../../../src/cli/command.js';

describe('the arguments of a command', () => {
  it('are options, with a space or a =, and operands, in any order', () => {
    expect(parseArguments(['lint', '--url', 'http://a', '--tool=oxlint', 'more'], ['url', 'tool'])).toEqual({
      options: { url: 'http://a', tool: 'oxlint' },
      operands: ['lint', 'more'],
    });
  });

  it('may repeat an option: the last one counts', () => {
    expect(parseArguments(['--url', 'a', '--url', 'b'], ['url']).options).toEqual({ url: 'b' });
  });

  it('may give a value that begins with a dash by =', () => {
    expect(parseArguments(['--tool=-x'], ['tool']).options).toEqual({ tool: '-x' });
  });

  it.each<[string, string[]]>([
    ['unknown option --urls', ['--urls=http://a']],
    ['unknown option --no-url', ['--no-url']],
    ['unknown option -u', ['-u', 'http://a']],
    ['unknown option --constructor', ['--constructor', 'x']],
    ['--url needs a value', ['--url']],
    ['--url needs a value', ['--url', '--tool', 'oxlint']],
    ['--url needs a value', ['--url', '--', 'x']],
  ])('are refused: %s', (message, args) => {
    expect(() => parseArguments(args, ['url', 'tool'])).toThrow(new UsageError(message));
  });

  it('never stand in a message with their value', () => {
    expect(() => parseArguments(['--tokn=hush'], ['token'])).toThrow(/^(?!.*hush)/);
    expect(() => parseArguments(['--tokn', 'hush'], ['token'])).toThrow(/^(?!.*hush)/);
  });
});

describe('what follows the first --', () => {
  it('is kept as it stands, a second -- included', () => {
    expect(splitAtTerminator(['a', '--', 'npm', 'run', 'x', '--', '-y'])).toEqual({
      before: ['a'],
      after: ['npm', 'run', 'x', '--', '-y'],
    });
  });

  it('is nothing where there is none, and empty where nothing follows', () => {
    expect(splitAtTerminator(['a']).after).toBeUndefined();
    expect(splitAtTerminator(['a', '--']).after).toEqual([]);
  });

  it('is not asked for help', () => {
    expect(wantsHelp(['lint', '--', 'npm', '--help'])).toBe(false);
    expect(wantsHelp(['lint', '--help', '--', 'npm'])).toBe(true);
    expect(wantsHelp(['-h'])).toBe(true);
  });
});
