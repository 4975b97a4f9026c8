import { type Field, Refusal } from '../../recording/index.js';

/** Deeper values make trouble for those who have to read them; whatever writes them again would run out of stack. */
const MAX_DEPTH = 32;
const TOO_DEEP = `must be at most ${MAX_DEPTH} levels deep`;

/** An object as JSON has it: without undefined, without NaN, without classes. */
export function jsonObject(maxBytes: number): Field<Readonly<Record<string, unknown>>> {
  return (value) => {
    const json = jsonOf(value);
    if (json instanceof Refusal) return json;
    // What converts itself may have become something else, a `Date` a text; a function becomes nothing.
    if (!json?.startsWith('{')) return new Refusal('must be an object');
    if (Buffer.byteLength(json) > maxBytes) return new Refusal(`must be at most ${maxBytes} bytes of JSON`);
    if (isDeeperThan(MAX_DEPTH, JSON.parse(json))) return new Refusal(TOO_DEEP);
    // Not before: with a function to ask, the parser takes stack for each level.
    return JSON.parse(json, withoutPrototype) as Record<string, unknown>;
  };
}

/** Leaves out the one key that decoders of MessagePack refuse, and the whole message with it. */
function withoutPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

function jsonOf(value: unknown): string | undefined | Refusal {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Running out of stack is a RangeError.
    if (error instanceof RangeError) return new Refusal(TOO_DEEP);
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : 'converting it failed';
    return new Refusal(`must be something that JSON can say: ${reason}`);
  }
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(depth - 1, inner));
}
