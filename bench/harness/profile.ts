import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchContext } from './bench.js';
import type { ServerProcess } from './measured-process.js';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const LINES = 40;

/** Runs the load under the server's CPU profiler, where profiles are wanted, and says what took the time. */
export async function withProfile<T>(
  { profiles, say }: BenchContext,
  server: ServerProcess,
  name: string,
  load: () => Promise<T>,
): Promise<T> {
  if (profiles === undefined) return load();
  mkdirSync(profiles, { recursive: true });
  const path = join(profiles, `${name}.cpuprofile`);
  await server.ask('startProfile');
  const result = await load();
  await server.ask('stopProfile', path);
  say(`${path}\n${selfTimes(JSON.parse(readFileSync(path, 'utf8')) as CpuProfile)}`);
  return result;
}

/** The functions that took most of the time themselves, without what they called. */
function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): string {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const place = url && `${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
      return [id, `${functionName || '(anonymous)'} ${place}`];
    }),
  );
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id)!;
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index]!);
  });
  const total = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  return [...times]
    .sort(([, one], [, other]) => other - one)
    .slice(0, LINES)
    .map(([name, time]) => `${((100 * time) / total).toFixed(1).padStart(6)} % ${name}`)
    .join('\n');
}
