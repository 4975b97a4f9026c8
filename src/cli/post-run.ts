import { setTimeout } from 'node:timers/promises';
import type { SkillInvocationInput } from '../feeds/skills/index.js';

/** Where a run is recorded. */
export interface Target {
  /** The server, or the prefix of Metricast's endpoints in a host application. */
  readonly url: URL;
  readonly token: string | undefined;
}

/** Milliseconds before the second, third and fourth attempt. */
const PAUSES = [100, 300, 900];
/** Milliseconds after which it is given up in any case: whoever ran the command is waiting. */
const PATIENCE = 3000;
const MAX_LINE = 300;

/** Records a run. Resolves to why it could not, in words for one line; undefined once it is committed. */
export async function postRun(target: Target, run: SkillInvocationInput): Promise<string | undefined> {
  const giveUp = AbortSignal.timeout(PATIENCE);
  const body = JSON.stringify(run);
  let failure = await post(target, body, giveUp);
  for (const pause of PAUSES) {
    if (!failure?.isTemporary) break;
    await setTimeout(pause);
    failure = await post(target, body, giveUp);
  }
  return failure && inOneLine(`${target.url.href} ${failure.reason}`, target);
}

/** The base address of a server; undefined where it is none. Credentials in it would get into messages. */
export function parseServerUrl(value: string): URL | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return undefined;
  url.search = '';
  url.hash = '';
  return url;
}

/** True for a text that can stand in an `Authorization: Bearer` header (RFC 6750). */
export function isBearerToken(value: string): boolean {
  return /^[A-Za-z0-9\-._~+/]+=*$/.test(value);
}

interface Failure {
  readonly reason: string;
  readonly isTemporary: boolean;
}

async function post({ url, token }: Target, body: string, signal: AbortSignal): Promise<Failure | undefined> {
  const endpoint = new URL(url);
  endpoint.pathname = `${url.pathname.replace(/\/+$/, '')}/ingest/skills`;
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  try {
    // A redirected POST would become a GET.
    const response = await fetch(endpoint, { method: 'POST', headers, body, signal, redirect: 'manual' });
    const text = await response.text();
    // Another status, even a good one, is not from an endpoint that records.
    if (response.status === 202) return undefined;
    return { reason: `answered ${response.status}${explanation(text)}`, isTemporary: response.status === 503 };
  } catch (error) {
    if (signal.aborted) return { reason: 'did not answer in time', isTemporary: false };
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    return { reason: `cannot be reached${code ? ` (${code})` : ''}`, isTemporary: true };
  }
}

/** What the server says about it, where it is one that says. */
function explanation(text: string): string {
  try {
    const { message, errors } = JSON.parse(text) as { message?: unknown; errors?: { message?: unknown }[] };
    return [message, errors?.[0]?.message]
      .filter((part) => typeof part === 'string')
      .map((part) => `: ${part}`)
      .join('');
  } catch {
    return '';
  }
}

/** Whatever answers at that address may repeat what it was sent. */
function inOneLine(text: string, { token }: Target): string {
  const shown = token ? text.replaceAll(token, '…') : text;
  return shown.replaceAll(/\p{Cc}+/gu, ' ').slice(0, MAX_LINE);
}
