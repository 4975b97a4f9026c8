import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type TagFilter,
  type Tags,
  MAX_TAG_PAIRS,
  NO_FILTER,
  NO_TAGS,
  bothFilters,
  canonicalKey,
  isPlainText,
  matchesFilter,
  parseTagFilter,
  parseTags,
} from '../../../src/protocol/index.js';

// Few names and values, so that they meet; among them some that every object with a prototype has.
const name = fc.constantFrom('env', 'region', 'a.b', '_x', 'toString', 'valueOf', 'hasOwnProperty');
const value = fc.constantFrom('a', 'b', 'c', 'ä', '"', '1');
const rawTags = fc.dictionary(name, value, { noNullPrototype: true });
const rawFilter = fc.dictionary(name, fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 4 })), {
  noNullPrototype: true,
});
const tags = rawTags.map((raw) => parseTags(raw) as Tags);
const filter = rawFilter.map((raw) => parseTagFilter(raw) as TagFilter);

/** The same pairs, entered in another order. */
function shuffled<T extends object>(pairs: T): T {
  return Object.fromEntries(Object.entries(pairs).reverse()) as T;
}

describe('tags', () => {
  test('have no prototype, and no name but their own', () => {
    const parsed = parseTags({ env: 'production' }) as Tags;
    expect(Object.getPrototypeOf(parsed)).toBeNull();
    expect(Object.entries(parsed)).toEqual([['env', 'production']]);
  });

  test.each([undefined, null, 'env', 7, [], [['env', 'a']], Buffer.alloc(3), new Date()])(
    'are an object: %o is none',
    (raw) => expect(parseTags(raw)).toBe('tags must be an object'),
  );

  test.each(['', '1', 'a b', 'ä', 'constructor', 'prototype', '__proto__', 'a'.repeat(129), 'a\n'])(
    'are not named %j',
    (bad) =>
      expect(parseTags(JSON.parse(JSON.stringify([bad]).replace(/^\[(.*)\]$/s, '{$1:"x"}')))).toMatch(/tag name/),
  );

  test.each([[''], ['\0'], ['a\nb'], ['\u202e'], ['a'.repeat(257)], [1], [null], [['a']], [{}]])(
    'have no value %j',
    (bad) => expect(parseTags({ env: bad })).toBe('a tag value must be a printable text'),
  );

  test(`are at most ${MAX_TAG_PAIRS}`, () => {
    const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`t${at}`, 'x']));
    expect(Object.keys(parseTags(pairs(MAX_TAG_PAIRS)))).toHaveLength(MAX_TAG_PAIRS);
    expect(parseTags(pairs(MAX_TAG_PAIRS + 1))).toBe('at most 32 tag pairs');
  });
});

describe('a tag filter', () => {
  test('takes a text as a list of one, and a list without its repetitions', () => {
    expect({ ...(parseTagFilter({ env: 'a', region: ['c', 'b', 'c'] }) as TagFilter) }).toEqual({
      env: ['a'],
      region: ['b', 'c'],
    });
  });

  test.each([[[]], [['']], [['a', 1]], [[['a']]], [1], [null], [{}], [Array.from({ length: 33 }, (_, at) => `${at}`)]])(
    'has no value %j',
    (bad) => expect(parseTagFilter({ env: bad })).toBe('a tag value must be a printable text or a list of them'),
  );

  test('of an empty object is no filter', () => {
    expect(parseTagFilter({})).toEqual(NO_FILTER);
    expect(canonicalKey(parseTagFilter({}) as TagFilter)).toBe('');
  });

  test('that is empty matches everything', () => {
    fc.assert(
      fc.property(tags, (some) => {
        expect(matchesFilter(NO_FILTER, some)).toBe(true);
      }),
    );
  });

  test('that is not matches nothing without tags', () => {
    expect(matchesFilter(parseTagFilter({ toString: 'x' }) as TagFilter, NO_TAGS)).toBe(false);
  });

  test('matches where every name has one of its values', () => {
    const wanted = parseTagFilter({ env: ['a', 'b'], region: 'c' }) as TagFilter;
    expect(matchesFilter(wanted, { env: 'a', region: 'c' })).toBe(true);
    expect(matchesFilter(wanted, { env: 'b', region: 'c', more: 'x' })).toBe(true);
    expect(matchesFilter(wanted, { env: 'c', region: 'c' })).toBe(false);
    expect(matchesFilter(wanted, { env: 'a' })).toBe(false);
  });
});

describe('both filters', () => {
  test('match what each of them matches', () => {
    fc.assert(
      fc.property(filter, filter, tags, (one, other, some) => {
        const both = matchesFilter(one, some) && matchesFilter(other, some);
        expect(matchesFilter(bothFilters(one, other), some)).toBe(both);
      }),
      { numRuns: 1000 },
    );
  });

  test('match what each of them matches, also where a filter is an object as any other', () => {
    const plain = filter.map((pairs): TagFilter => ({ ...pairs }));
    fc.assert(
      fc.property(plain, plain, tags, (one, other, some) => {
        const both = matchesFilter(one, some) && matchesFilter(other, some);
        expect(matchesFilter(bothFilters(one, other), some)).toBe(both);
      }),
    );
  });

  test('have the same key, whichever is first and however often', () => {
    fc.assert(
      fc.property(filter, filter, (one, other) => {
        const key = canonicalKey(bothFilters(one, other));
        expect(canonicalKey(bothFilters(other, one))).toBe(key);
        expect(canonicalKey(bothFilters(bothFilters(one, other), other))).toBe(key);
      }),
    );
  });

  test('have the key of the one where the other is empty', () => {
    fc.assert(
      fc.property(filter, (one) => {
        expect(canonicalKey(bothFilters(one, NO_FILTER))).toBe(canonicalKey(one));
      }),
    );
  });

  test('match nothing where they have no value in common', () => {
    const neither = bothFilters(parseTagFilter({ env: 'a' }) as TagFilter, parseTagFilter({ env: 'b' }) as TagFilter);
    expect(matchesFilter(neither, { env: 'a' })).toBe(false);
    expect(matchesFilter(neither, { env: 'b' })).toBe(false);
    expect(canonicalKey(neither)).not.toBe('');
  });
});

describe('the canonical key', () => {
  test('of equal tags is equal, in whatever order they came', () => {
    fc.assert(
      fc.property(rawTags, (raw) => {
        expect(canonicalKey(parseTags(shuffled(raw)) as Tags)).toBe(canonicalKey(parseTags(raw) as Tags));
      }),
    );
  });

  test('of equal filters is equal, in whatever order names and values came', () => {
    fc.assert(
      fc.property(rawFilter, (raw) => {
        const mixed = Object.entries(shuffled(raw)).map(([key, values]) => [key, [values].flat().reverse()]);
        const other = parseTagFilter(Object.fromEntries(mixed)) as TagFilter;
        expect(canonicalKey(other)).toBe(canonicalKey(parseTagFilter(raw) as TagFilter));
      }),
    );
  });

  test('of different ones is different', () => {
    fc.assert(
      fc.property(filter, filter, (one, other) => {
        // Both have no prototype and sorted lists: equal as values is equal as filters.
        const areEqual = Object.keys({ ...one, ...other }).every((key) => one[key]?.join() === other[key]?.join());
        expect(canonicalKey(one) === canonicalKey(other)).toBe(areEqual);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a plain text', () => {
  test.each(['a', ' ', 'ä 漢字 🙂', 'a'.repeat(256)])('may be %j', (text) => expect(isPlainText(text)).toBe(true));
  test.each(['', 'a\tb', '\u007f', '\u0085', '\u2028', '\u2066', 'a'.repeat(257), 7, null, undefined, {}])(
    'is not %j',
    (text) => expect(isPlainText(text)).toBe(false),
  );
});
