import { JWT_ALGORITHMS, type JwtAlgorithm } from './auth/algorithms.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** A variable that a program cannot go on with: one line, which names it, what it was, and what it may be. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/**
 * Reads the variable of this name; `undefined` where it is not set, or empty.
 *
 * @param parse gives `undefined` for a value that is not `expected`.
 * @param shown false where the value is a secret, or may hold one.
 * @throws {@link EnvironmentError}
 */
export type ReadVariable = <T>(
  name: string,
  parse: (value: string) => T | undefined,
  expected: string,
  shown?: boolean,
) => T | undefined;

export function variableReader(variables: Variables): ReadVariable {
  return (name, parse, expected, shown = true) => {
    const value = variables[name];
    if (value === undefined || value === '') return undefined;
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    const was = shown ? `was ${JSON.stringify(value)}` : `has ${Buffer.byteLength(value)} bytes`;
    throw new EnvironmentError(`${name} ${was}: it must be ${expected}`);
  };
}

export function oneOf<T extends string>(choices: readonly T[]) {
  return (value: string): T | undefined => choices.find((choice) => choice === value);
}

export function readJwtAlgorithm(read: ReadVariable): JwtAlgorithm {
  return read('JWT_ALGORITHM', oneOf(JWT_ALGORITHMS), `one of ${JWT_ALGORITHMS.join(', ')}`) ?? 'HS256';
}

/** What a secret has to be, in words. */
export const JWT_SECRET_FORM = 'at least 32 bytes';

export function readJwtSecret(read: ReadVariable): string | undefined {
  return read('JWT_SECRET_KEY', atLeast32Bytes, JWT_SECRET_FORM, false);
}

function atLeast32Bytes(value: string): string | undefined {
  return Buffer.byteLength(value) >= 32 ? value : undefined;
}
