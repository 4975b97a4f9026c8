import { beforeEach, describe, expect, test } from 'vitest';
import { SharedReads } from '../../../../src/transports/connections/shared-reads.js';
import { endOfTurn } from '../../../support/connected.js';

let reads: SharedReads<string>;
/** What was begun, and how each is ended. */
let begun: { readonly end: (result: string) => void; readonly fail: (error: Error) => void }[];
beforeEach(() => {
  reads = new SharedReads();
  begun = [];
});

const ask = (what = 'a') => reads.read(what, () => new Promise<string>((end, fail) => begun.push({ end, fail })));

describe('a read', () => {
  test('that many ask for in one turn is done once', async () => {
    const asked = [ask(), ask(), ask()];
    await endOfTurn();
    expect(begun).toHaveLength(1);
    begun[0]!.end('one');
    expect(await Promise.all(asked)).toEqual(['one', 'one', 'one']);
  });

  test('that is asked for while it is under way is done once more for all of these, after it', async () => {
    const first = ask();
    await endOfTurn();
    const later = [ask(), ask()];
    await endOfTurn();
    expect(begun).toHaveLength(1);
    begun[0]!.end('one');
    expect(await first).toBe('one');
    await endOfTurn();
    expect(begun).toHaveLength(2);
    begun[1]!.end('two');
    expect(await Promise.all(later)).toEqual(['two', 'two']);
    const last = ask();
    await endOfTurn();
    begun[2]!.end('three');
    expect(await last).toBe('three');
  });

  test('of something else does not wait', async () => {
    const asked = [ask('a'), ask('b')];
    await endOfTurn();
    expect(begun).toHaveLength(2);
    begun[1]!.end('b');
    expect(await asked[1]).toBe('b');
    begun[0]!.end('a');
    await asked[0];
  });

  test('that fails does so for those who shared it, and not for who asked later', async () => {
    const first = ask();
    await endOfTurn();
    const second = ask();
    begun[0]!.fail(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    await endOfTurn();
    begun[1]!.end('two');
    expect(await second).toBe('two');
  });
});
