import { setTimeout } from 'node:timers/promises';
import { Generator, type Paced } from '../generator/generator.js';
import type { BenchContext } from '../harness/bench.js';
import { ServerProcess } from '../harness/measured-process.js';
import { withProfile } from '../harness/profile.js';
import type { Peer } from '../peers/peer.js';

/** What is done with a peer each time it has its turn. */
export interface Plan {
  readonly connections: number;
  /** Each a number of publications that are sent at once; the next ones when everyone has them. */
  readonly waves: readonly number[];
  /** Of each kind of wave. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly pacedSeconds?: number;
}

/** What waves of one size took of the server, and how long. */
export interface WaveCost {
  /** As many as there are when everyone gets everything, which the load generator sees to. */
  readonly deliveries: number;
  readonly seconds: number;
  /** Of the server, in seconds. */
  readonly cpu: number;
  readonly user: number;
  readonly generatorBusy: number;
}

export interface Visit {
  /** By the size of the wave. */
  readonly waves: Readonly<Record<number, WaveCost>>;
  readonly paced: Paced | undefined;
}

const PACE = 10;
/** Longer than Linux delays an acknowledgement on loopback (40 ms, `TCP_DELACK_MIN`), shorter than what it takes for a pause (200 ms). */
const SILENCE_MILLIS = 100;

/** Opens connections, sends them what the plan says, and closes them. */
export async function visit(
  context: BenchContext,
  peer: Peer,
  plan: Plan,
  { profileName }: { readonly profileName: string | undefined },
): Promise<Visit> {
  const generator = Generator.start(context.temporary)!;
  const { server, client } = peer;
  try {
    await generator.open({ ...client, port: server.port, connections: plan.connections });
    const waves: Record<number, WaveCost> = {};
    for (const size of plan.waves) {
      await generator.waves(peer.publishing(size), { seconds: plan.warmUpSeconds });
      await silence(generator, peer);
      const measure = () => waveCost(generator, peer, size, plan);
      waves[size] =
        profileName !== undefined && server instanceof ServerProcess
          ? await withProfile(context, server, `${profileName}-w${size}`, measure)
          : await measure();
    }
    const paced = plan.pacedSeconds && (await generator.paced(peer.publishing(1), PACE, plan.pacedSeconds));
    if (paced && paced.deliveries !== paced.expected) throw new Error(`${paced.deliveries} of ${paced.expected} came`);
    await generator.close();
    return { waves, paced: paced || undefined };
  } finally {
    await generator.stop();
  }
}

/**
 * Makes listeners of clients. Linux takes a client that has answered something, subscribed or sent a pong, for one that
 * converses, and acknowledges every other frame while that is being sent: over loopback this is the server's time, some
 * 1.2 µs a delivery here (6.18). Once it has delayed an acknowledgement in vain it leaves that to the time when the client
 * reads; which at the end of a wave it does with every other one, so after two of them with all.
 */
async function silence(generator: Generator, peer: Peer): Promise<void> {
  for (let frame = 1; frame <= 2; frame++) {
    await generator.waves(peer.publishing(1), { waves: 1 });
    await setTimeout(SILENCE_MILLIS);
  }
}

/** Microseconds of the server for each delivery. */
export function micros({ cpu, deliveries }: WaveCost): number {
  return (cpu / deliveries) * 1e6;
}

async function waveCost(
  generator: Generator,
  peer: Peer,
  size: number,
  { connections, seconds }: Plan,
): Promise<WaveCost> {
  const { server } = peer;
  const before = { cpu: server.cpuSeconds, user: server.userSeconds };
  const waves = await generator.waves(peer.publishing(size), { seconds });
  return {
    deliveries: waves.waves * size * connections,
    seconds: waves.seconds,
    cpu: server.cpuSeconds - before.cpu,
    user: server.userSeconds - before.user,
    generatorBusy: waves.busy,
  };
}
