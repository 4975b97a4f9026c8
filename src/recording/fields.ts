import {
  type FieldError,
  type Millis,
  type Tags,
  NO_TAGS,
  isPlainText,
  parseTags,
  parseTimestamp,
} from '../protocol/index.js';

/** Reads one field: returns its value, or a {@link Refusal} that says what it must be. Gets `undefined` for an absent one. */
export type Field<T> = (value: unknown, now: Millis) => T | Refusal;

export class Refusal {
  constructor(readonly message: string) {}
}

/** What keeps an item from being recorded. */
export class BadItem implements FieldError {
  constructor(
    readonly field: string,
    readonly message: string,
  ) {}
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type ValuesOf<F extends Fields> = { [K in keyof F]: Exclude<ReturnType<F[K]>, Refusal> };

/** How far ahead of the server's clock a timestamp may be. */
const MAX_AHEAD: Millis = 5 * 60_000;

export function text(maxLength: number): Field<string> {
  return (value) =>
    isPlainText(value, maxLength) ? value : new Refusal(`must be a printable text of 1 to ${maxLength} characters`);
}

/** As {@link text}, of as many lines as it may be: with line breaks and tabs, and no other control characters. */
export function lines(maxLength: number): Field<string> {
  return (value) =>
    typeof value === 'string' && isPlainText(value.replaceAll(/[\t\r\n]/g, ' '), maxLength)
      ? value
      : new Refusal(`must be a printable text of 1 to ${maxLength} characters; it may have line breaks and tabs`);
}

/**
 * A text that becomes a key of an object in a state. The one key that it must not be means something to JavaScript, and
 * decoders of MessagePack refuse it, and the whole message with it.
 */
export function key(maxLength: number): Field<string> {
  const plain = text(maxLength);
  return (value, now) => (value === '__proto__' ? new Refusal('must not be __proto__') : plain(value, now));
}

export const boolean: Field<boolean> = (value) =>
  typeof value === 'boolean' ? value : new Refusal('must be true or false');

export function number(min = -Number.MAX_VALUE, max = Number.MAX_VALUE): Field<number> {
  const range =
    max < Number.MAX_VALUE ? ` from ${min} to ${max}` : min > -Number.MAX_VALUE ? ` of at least ${min}` : '';
  // A comparison with NaN is false, so this refuses it, and both infinities.
  return (value) =>
    typeof value === 'number' && value >= min && value <= max ? value : new Refusal(`must be a finite number${range}`);
}

export function oneOf<const T extends string>(...choices: T[]): Field<T> {
  return (value) => (choices.includes(value as T) ? (value as T) : new Refusal(`must be one of ${choices.join(', ')}`));
}

/** A field that may be absent or null. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return (value, now) => (value == null ? undefined : field(value, now));
}

/** ISO-8601, or Unix seconds; now where absent. */
export const timestamp: Field<Millis> = (value, now) => {
  if (value == null) return now;
  const instant = parseTimestamp(value);
  if (instant === undefined) return new Refusal('must be an ISO-8601 time or Unix seconds');
  return instant <= now + MAX_AHEAD ? instant : new Refusal('must not be more than 5 minutes in the future');
};

export const tags: Field<Tags> = (value) => {
  if (value == null) return NO_TAGS;
  const parsed = parseTags(value);
  return typeof parsed === 'string' ? new Refusal(parsed) : parsed;
};

/** Reads an item by its fields, or says what is wrong with the first bad one. What it has beside them is ignored. */
export function readItem<F extends Fields>(fields: F, item: unknown, now: Millis): ValuesOf<F> | BadItem {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return new BadItem('', 'must be an object');
  }
  const values: Record<string, unknown> = {};
  for (const name in fields) {
    // Own properties alone: `constructor` must not be found where the client sent none.
    const value = fields[name]!(Object.hasOwn(item, name) ? (item as Record<string, unknown>)[name] : undefined, now);
    if (value instanceof Refusal) return new BadItem(name, value.message);
    values[name] = value;
  }
  return values as ValuesOf<F>;
}
