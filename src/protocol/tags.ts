/** What a sample or a state is labelled with: names to values. Has no prototype, so that no key means anything else. */
export type Tags = Readonly<Record<string, string>>;

/** Per tag name the values that match; every name must match. An empty filter matches everything. */
export type TagFilter = Readonly<Record<string, readonly string[]>>;

export const NO_TAGS: Tags = Object.freeze(Object.create(null) as Tags);
export const NO_FILTER: TagFilter = Object.freeze(Object.create(null) as TagFilter);

export const MAX_TAG_PAIRS = 32;
const MAX_TAG_LENGTH = 256;
/** Characters of all pairs together: a filter is held once for each audience, and looked up by its text. */
const MAX_PAIRS_LENGTH = 4096;
const TAG_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;
/** Names that mean something to JavaScript. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);
// Control characters and the bidirectional overrides, which make a log or a page lie; and halves of surrogate pairs,
// which no database can store: what came back would be another text.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u;

/** True for a text that may stand in a tag, a name or an id: printable, and of at most `maxLength` characters. */
export function isPlainText(value: unknown, maxLength = MAX_TAG_LENGTH): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxLength && !UNPRINTABLE.test(value);
}

/** Returns the value as tags; a string says what is wrong with it. */
export function parseTags(value: unknown): Tags | string {
  return parsePairs(value, (tag) => (isPlainText(tag) ? tag : undefined), 'a printable text');
}

/** Returns the value as a tag filter, each value a text or a list of texts; a string says what is wrong with it. */
export function parseTagFilter(value: unknown): TagFilter | string {
  return parsePairs(
    value,
    (tag) => {
      const values = Array.isArray(tag) ? tag : [tag];
      const usable = values.length > 0 && values.length <= MAX_TAG_PAIRS && values.every((one) => isPlainText(one));
      return usable ? [...new Set(values as string[])].sort() : undefined;
    },
    'a printable text or a list of them',
  );
}

function parsePairs<T>(
  value: unknown,
  parse: (tag: unknown) => T | undefined,
  what: string,
): Record<string, T> | string {
  if (!isPlainObject(value)) return 'tags must be an object';
  const names: string[] = [];
  // Not all at once: there may be a hundred thousand.
  for (const name in value) {
    if (Object.hasOwn(value, name)) names.push(name);
    if (names.length > MAX_TAG_PAIRS) return `at most ${MAX_TAG_PAIRS} tag pairs`;
  }
  const pairs = Object.create(null) as Record<string, T>;
  // Sorted, so that equal tags have equal keys.
  for (const name of names.sort()) {
    if (!TAG_NAME.test(name) || RESERVED.has(name)) return 'a tag name has a character or a word that is not allowed';
    const parsed = parse(value[name]);
    if (parsed === undefined) return `a tag value must be ${what}`;
    pairs[name] = parsed;
  }
  if (JSON.stringify(pairs).length > MAX_PAIRS_LENGTH) return `at most ${MAX_PAIRS_LENGTH} characters of tags`;
  return pairs;
}

/** False for lists, and for what MessagePack can say beside objects: bytes have a name for each. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A text that is equal for equal tags or filters, and for no others. Both are made sorted by their parsers. */
export function canonicalKey(pairs: Tags | TagFilter): string {
  for (const _ in pairs) return JSON.stringify(pairs);
  return '';
}

/** True where every pair of the filter is met by the tags. */
export function matchesFilter(filter: TagFilter, tags: Tags): boolean {
  for (const name in filter) {
    const value = tags[name];
    if (value === undefined || !filter[name]!.includes(value)) return false;
  }
  return true;
}

/** The filter that both filters meet: their pairs together, the values of a common name intersected. */
export function bothFilters(one: TagFilter, other: TagFilter): TagFilter {
  const both = Object.create(null) as Record<string, readonly string[]>;
  for (const name of [...new Set([...Object.keys(one), ...Object.keys(other)])].sort()) {
    const [left, right] = [valuesOf(one, name), valuesOf(other, name)];
    both[name] = left && right ? left.filter((value) => right.includes(value)) : (left ?? right)!;
  }
  return both;
}

/** A filter may be an object as any other, which has a `toString` without having that tag. */
function valuesOf(filter: TagFilter, name: string): readonly string[] | undefined {
  return Object.hasOwn(filter, name) ? filter[name] : undefined;
}
