import { type JsonWebKey, type KeyObject, createPublicKey } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type JwtAlgorithm, isKeyFor } from './algorithms.js';
import { isLoopback } from './local-request.js';

/** Public keys by their `kid`. */
export type KeySet = ReadonlyMap<string, KeyObject>;

/** What says where a key set is, in words. */
export const KEY_SET_LOCATION_FORM = 'the path of a JSON Web Key Set, or an https:// URL (http:// on loopback)';

const MAX_BYTES = 1024 * 1024;
const PATIENCE_MILLIS = 5000;

/** Why a key set cannot be had, in a few words. */
export class KeySetError extends Error {
  override readonly name = 'KeySetError';
}

/** True for a path, and for a URL from which nobody in between can hand us other keys. */
export function isKeySetLocation(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) return false;
  if (!isUrl(value)) return !/^[a-z][a-z0-9+.-]*:\/\//i.test(value);
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  const isLocal = hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''));
  return (protocol === 'https:' || isLocal) && username === '' && password === '';
}

/** True where the location is not a file of this machine. */
export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/**
 * Reads the keys with which this algorithm can check signatures. Others are passed over: a set may serve several.
 *
 * @throws {@link KeySetError}
 */
export async function loadKeySet(location: string, algorithm: JwtAlgorithm): Promise<KeySet> {
  try {
    return keysIn(isUrl(location) ? await fetchText(location) : await readText(location), algorithm);
  } catch (error) {
    if (error instanceof KeySetError) throw error;
    throw new KeySetError(reasonOf(error), { cause: error });
  }
}

function keysIn(text: string, algorithm: JwtAlgorithm): KeySet {
  const set = JSON.parse(text) as { readonly keys?: unknown } | null;
  const found = new Map<string, KeyObject>();
  if (!Array.isArray(set?.keys)) throw new KeySetError('it is no JSON Web Key Set');
  for (const entry of set.keys as unknown[]) {
    const jwk = (entry ?? {}) as Readonly<Record<string, unknown>>;
    const key = keyOf(jwk, algorithm);
    if (key && typeof jwk['kid'] === 'string' && !found.has(jwk['kid'])) found.set(jwk['kid'], key);
  }
  return found;
}

/** `undefined` for a key that is for something else, or whose private half has no business there. */
function keyOf(jwk: Readonly<Record<string, unknown>>, algorithm: JwtAlgorithm): KeyObject | undefined {
  const { alg = algorithm, use = 'sig', key_ops: uses = ['verify'], d: secretHalf } = jwk;
  if (alg !== algorithm || use !== 'sig' || secretHalf !== undefined) return undefined;
  if (!Array.isArray(uses) || !uses.includes('verify')) return undefined;
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    return isKeyFor(key, algorithm) ? key : undefined;
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<string> {
  const file = await open(path);
  try {
    if (!(await file.stat()).isFile()) throw new KeySetError('it is no file');
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
    if (bytesRead > MAX_BYTES) throw new KeySetError('more than 1 MiB');
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function fetchText(url: string): Promise<string> {
  // Followed, a redirect could lead to keys of somebody else's.
  const { status, body } = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(PATIENCE_MILLIS),
  });
  if (status !== 200) {
    await body?.cancel();
    throw new KeySetError(`answered ${status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new KeySetError('answered more than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** In a few words, without what was read. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'it is not JSON';
  const { name, code, cause } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError') return 'timed out';
  return code ?? (cause as NodeJS.ErrnoException | undefined)?.code ?? 'connection failed';
}
