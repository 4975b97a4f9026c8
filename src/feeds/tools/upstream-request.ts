import { SourceError } from './section.js';
import type { StatsTarget } from './upstream-url.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Each unfiltered client is shown it at each tick. */
const MAX_BYTES = 65_536;
const MAX_DEPTH = 32;

/** Asks a service for its statistics. @throws {@link SourceError} whatever goes wrong, `timed out` where aborted. */
export async function requestStats({ href, authorization }: StatsTarget, signal: AbortSignal): Promise<JsonObject> {
  try {
    const headers = { accept: 'application/json', ...(authorization && { authorization }) };
    // Followed, a redirect could lead to where the operator never meant to ask.
    const response = await fetch(href, { headers, redirect: 'manual', signal });
    if (response.status !== 200) throw new SourceError(`answered ${response.status}`);
    return parseStats(await readText(response));
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw new SourceError(signal.aborted ? 'timed out' : reasonOf(error), { cause: error });
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new SourceError('answered more than 64 KiB');
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function parseStats(text: string): JsonObject {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SourceError('not a JSON object');
  if (isDeeper(value, MAX_DEPTH)) throw new SourceError(`nested more than ${MAX_DEPTH} deep`);
  // Without the one key that decoders of MessagePack refuse, and the whole message with it.
  return JSON.parse(text, (key, inner: unknown) => (key === '__proto__' ? undefined : inner)) as JsonObject;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether objects and arrays lie within each other more than `depth` times. */
function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1));
}

/** In a few words, without an address. */
function reasonOf(error: unknown): string {
  const { code, message = '' } = ((error as Error).cause ?? {}) as Partial<NodeJS.ErrnoException>;
  return REASONS.find(([codes]) => codes.test(code ?? message))?.[1] ?? 'connection failed';
}

const REASONS: readonly (readonly [codes: RegExp, reason: string])[] = [
  [/^ECONNREFUSED$/, 'connection refused'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'host not found'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'host unreachable'],
  [/TIMEOUT|^ETIMEDOUT$/, 'timed out'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'connection lost'],
  [/^HPE_|^UND_ERR_/, 'not an HTTP answer'],
  [/CERT|^UNABLE_TO_/, 'certificate not accepted'],
  // One that belongs to another protocol: https://fetch.spec.whatwg.org/#port-blocking
  [/^bad port$/, 'port not allowed'],
];
