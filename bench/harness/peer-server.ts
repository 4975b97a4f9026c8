import { fileURLToPath } from 'node:url';
import type { BenchContext } from './bench.js';
import { ServerProcess } from './measured-process.js';

const TYPESCRIPT = new URL(import.meta.resolve('@swc-node/register/esm-register'));

/** Starts a server that ours is compared with, on the server's core: a script that prints its address. */
export function startPeer(
  { cores }: BenchContext,
  script: URL,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const preload = script.pathname.endsWith('.ts') ? [TYPESCRIPT] : [];
  return ServerProcess.start(fileURLToPath(script), { core: cores?.server, env, preload });
}
