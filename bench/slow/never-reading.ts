import { Generator } from '../generator/generator.js';
import type { BenchContext } from '../harness/bench.js';
import { ServerProcess } from '../harness/measured-process.js';
import { median } from '../harness/statistics.js';
import { METRICAST } from '../peers/metricast.js';
import { NEST_WS } from '../peers/node-peers.js';
import type { PeerKind } from '../peers/peer.js';
import { longestKernelQueue } from './kernel-queue.js';
import { INGEST_PATH, LARGE_BYTES, largeMessages } from './large-messages.js';

export const LIVE = 400;
export const NEVER_READING = 100;
export const STEPS = 14;
/** Bytes that are published between two looks. */
export const STEP_BYTES = 512 * 1024;

/** Servers that are compared, and where each takes what is to be published. */
export const KINDS: readonly (readonly [PeerKind, path: string])[] = [
  [NEST_WS, '/publish'],
  [METRICAST, INGEST_PATH],
];

/** After a step: bytes for each connection that never reads, over what there was before the server had to wait for it. */
export interface Step {
  readonly resident: number;
  /** Objects and buffers. */
  readonly held: number;
  /** What the kernel holds besides, for the one that is furthest behind. */
  readonly kernel: number;
  /** Whether the kernel takes no more, so that the rest waits in the server. */
  readonly isBehind: boolean;
  /** Connections that the server has cut so far. */
  readonly cut: number;
  readonly generatorBusy: number;
}

interface Look {
  readonly memory: NodeJS.MemoryUsage;
  readonly kernel: number;
  readonly cut: number;
  readonly generatorBusy: number;
}

/** Of the most that it ever held, what the kernel holds where it takes no more. */
const FULL_SHARE = 0.95;
const AT_ONCE = 8;
const WAVES_A_STEP = STEP_BYTES / LARGE_BYTES / AT_ONCE;
const WARM_UP_STEPS = 5;

/** What connections cost that never read, while others read all. */
export async function measureNeverReading(
  context: BenchContext,
  [kind, path]: (typeof KINDS)[number],
): Promise<readonly Step[]> {
  const peer = await kind.start(context);
  if ('skipped' in peer || !(peer.server instanceof ServerProcess)) throw new Error(`${kind.name} is not here`);
  const { server, client } = peer;
  const generator = Generator.start(context.temporary);
  if (!generator) throw new Error('there is no C compiler');
  const publish = () => generator.waves(largeMessages(server.port, path, AT_ONCE), { waves: WAVES_A_STEP });
  try {
    await generator.open({ ...client, port: server.port, connections: LIVE });
    for (let step = 0; step < WARM_UP_STEPS; step++) await publish();
    await generator.open({ ...client, port: server.port, connections: NEVER_READING, reads: 'nothing' });
    const looks: Look[] = [];
    while (looks.length < STEPS) {
      const { busy: generatorBusy } = await publish();
      const memory = await server.ask<NodeJS.MemoryUsage>('memory');
      const [, silent] = await generator.status();
      const kernel = longestKernelQueue(server.port);
      looks.push({ memory, kernel, cut: NEVER_READING - silent!.open, generatorBusy });
    }
    return stepsOf(looks);
  } finally {
    await generator.stop();
    await server.stop();
  }
}

function stepsOf(looks: readonly Look[]): Step[] {
  const full = FULL_SHARE * Math.max(...looks.map(({ kernel }) => kernel));
  const before = looks.slice(
    0,
    looks.findIndex(({ kernel }) => kernel >= full),
  );
  return looks.map(({ memory, kernel, cut, generatorBusy }) => {
    // Memory goes up and down by itself: one look alone says little of how much there was.
    const each = (of: (memory: NodeJS.MemoryUsage) => number) =>
      (of(memory) - median(before.map((look) => of(look.memory)))) / NEVER_READING;
    return {
      resident: each(({ rss }) => rss),
      held: each(({ heapUsed, external }) => heapUsed + external),
      kernel,
      isBehind: kernel >= full,
      cut,
      generatorBusy,
    };
  });
}
