import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from './bench.js';
import { ServerProcess } from './measured-process.js';

/** Starts the built server as `npm start` does, on its core, with a database file of its own. */
export function startMetricast(
  { dist, temporary, cores }: BenchContext,
  env: Readonly<Record<string, string>> = {},
  preload: readonly URL[] = [],
): Promise<ServerProcess> {
  return ServerProcess.start(fileURLToPath(new URL('main.js', dist)), {
    core: cores?.server,
    preload,
    env: { DATABASE_URL: `sqlite:${join(temporary, `${randomUUID()}.db`)}`, ...env },
  });
}

/** Records items over HTTP, at most 10,000. @throws where one is not accepted. */
export async function record(
  { port }: ServerProcess,
  kind: string,
  items: readonly object[],
  token?: string,
): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/ingest/${kind}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(items),
  });
  const text = await answer.text();
  if (answer.status !== 202) throw new Error(`${kind} answered ${answer.status}: ${text}`);
  const { rejected } = JSON.parse(text) as { rejected: readonly object[] };
  if (rejected.length > 0) throw new Error(`${kind} rejected ${JSON.stringify(rejected[0])}`);
}
