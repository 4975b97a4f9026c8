import { KEY_SET_LOCATION_FORM, KeysUnreadableError, MissingKeyError } from './auth/index.js';
import { type Environment, EnvironmentError } from './environment.js';
import { DEFAULT_DATABASE_URL, DatabaseOpenError } from './persistence/index.js';

/**
 * What kept the server from starting although each variable by itself was good: in one line, like a bad variable.
 * Anything that is not for the user to put right is given back as it came.
 */
export function startFailure(error: unknown, { port, host, metricast }: Environment): unknown {
  if (error instanceof MissingKeyError) return new EnvironmentError(error.message);
  if (error instanceof KeysUnreadableError) {
    return wrong('JWT_JWKS', metricast.auth?.jwks ?? '', `${KEY_SET_LOCATION_FORM}, and not: ${error.reason}`);
  }
  if (error instanceof DatabaseOpenError) {
    const url = withoutPassword(metricast.database ?? DEFAULT_DATABASE_URL);
    return wrong('DATABASE_URL', url, `a database that opens, and not: ${error.reason}`);
  }
  if (!isListenError(error)) return error;
  if (error.code === 'EADDRINUSE') return wrong('PORT', port, `one on which nothing else listens on ${host}`);
  if (error.code === 'EACCES') return wrong('PORT', port, 'one that this user may listen on');
  return wrong('HOST', host, `an address of this machine (${error.code})`);
}

function wrong(name: string, value: string | number, expected: string): EnvironmentError {
  return new EnvironmentError(`${name} was ${JSON.stringify(value)}: it must be ${expected}`);
}

function isListenError(error: unknown): error is NodeJS.ErrnoException {
  const { syscall, code } = error as NodeJS.ErrnoException;
  return code !== undefined && (syscall === 'listen' || syscall === 'getaddrinfo');
}

function withoutPassword(url: string): string {
  if (!/^postgres(ql)?:/.test(url)) return url;
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}
