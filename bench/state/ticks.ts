import { setTimeout as sleep } from 'node:timers/promises';
import { ServerProcess, type ServerOptions } from '../harness/measured-process.js';
import { RawWebSocket } from '../harness/raw-websocket.js';

const TICKS = Buffer.from('"metrics_update"');
/** The shortest that there is, in seconds. */
const INTERVAL = '0.1';
const WARM_UP_MILLIS = 2000;

/**
 * CPU time of a tick in microseconds, with all that belongs to one: timer, state, rendering, encoding, write. One
 * server for each database, at the same time, each with one subscriber.
 */
export async function cpuPerTick(
  script: string,
  paths: readonly string[],
  seconds: number,
  options: ServerOptions,
): Promise<number[]> {
  const servers: ServerProcess[] = [];
  try {
    for (const path of paths) {
      const env = { DATABASE_URL: `sqlite:${path}`, UPDATE_INTERVAL: INTERVAL };
      servers.push(await ServerProcess.start(script, { ...options, env }));
    }
    const ticks = paths.map(() => 0);
    for (const [index, { port }] of servers.entries()) {
      const subscriber = await RawWebSocket.open(port, '/ws/skills');
      subscriber.onFrame((payload) => {
        if (payload.includes(TICKS)) ticks[index]!++;
      });
    }
    await sleep(WARM_UP_MILLIS);
    const before = servers.map(({ cpuSeconds }, index) => ({ cpuSeconds, ticks: ticks[index]! }));
    await sleep(seconds * 1000);
    return servers.map(({ cpuSeconds }, index) => {
      const used = cpuSeconds - before[index]!.cpuSeconds;
      return (used / (ticks[index]! - before[index]!.ticks)) * 1e6;
    });
  } finally {
    for (const server of servers) await server.stop();
  }
}
