import { Generator, type Paced } from '../generator/generator.js';
import type { BenchContext } from '../harness/bench.js';
import { METRICAST } from '../peers/metricast.js';
import type { Peer } from '../peers/peer.js';
import { longestKernelQueue } from './kernel-queue.js';
import { INGEST_PATH, largeMessages } from './large-messages.js';

export const READERS = 1000;
export const SLOW_BYTES_PER_SECOND = 1000;
export const PER_SECOND = 10;

const AT_ONCE = 8;
/** Steps of 32 KB with which it falls behind. */
const MOST_STEPS = 400;
/** As a warm-up where nobody falls behind. */
const STEPS_OF_ALL = 10;

/** A server of ours with readers that read all, but for one perhaps. */
export class Readers {
  private constructor(
    private readonly peer: Peer,
    private readonly generator: Generator,
    private readonly hasSlow: boolean,
  ) {}

  static async open(context: BenchContext, hasSlow: boolean): Promise<Readers> {
    const peer = await METRICAST.start(context);
    const generator = Generator.start(context.temporary);
    if ('skipped' in peer || !generator) throw new Error('there is no server, or no C compiler');
    const { server, client } = peer;
    const all = { ...client, port: server.port };
    await generator.open({ ...all, connections: hasSlow ? READERS - 1 : READERS });
    if (hasSlow) await generator.open({ ...all, connections: 1, reads: { bytesPerSecond: SLOW_BYTES_PER_SECOND } });
    return new Readers(peer, generator, hasSlow);
  }

  /** Publishes until the kernel takes no more for the slow one: from there on the server itself has to wait for it. */
  async fallBehind(): Promise<void> {
    const { port } = this.peer.server;
    let before = -1;
    for (let step = 1; step <= MOST_STEPS; step++) {
      await this.generator.waves(largeMessages(port, INGEST_PATH, AT_ONCE), { waves: 1 });
      const queue = longestKernelQueue(port);
      if (this.hasSlow ? queue <= before : step === STEPS_OF_ALL) return;
      before = queue;
    }
    throw new Error('the kernel took everything for the slow reader');
  }

  /** The latencies of those that read all. */
  paced(seconds: number): Promise<Paced> {
    return this.generator.paced(this.peer.publishing(1), PER_SECOND, seconds);
  }

  /** Whether the server has given the slow reader up. */
  async isCut(): Promise<boolean> {
    const [, slow] = await this.generator.status();
    return slow?.open === 0;
  }

  async end(): Promise<void> {
    await this.generator.stop();
    await this.peer.server.stop();
  }
}
