import { Generator, type Paced, type Waves } from '../generator/generator.js';
import { clientFrame } from '../generator/wire.js';
import type { BenchContext } from '../harness/bench.js';
import { type EventLoopDelay, watchEventLoop } from '../harness/event-loop-delay.js';
import { ServerProcess } from '../harness/measured-process.js';
import { openWindow } from '../harness/window.js';
import { channelName, points } from '../peers/message.js';
import type { Client, Peer, PeerKind } from '../peers/peer.js';

export interface WavesRound extends Waves {
  /** Of the server, in microseconds. */
  readonly cpuPerDelivery: number;
}

export interface SecondsRound extends Paced {
  /** The longest of the server's event loop, in milliseconds. */
  readonly longestDelay: number;
}

const PATIENCE_SECONDS = 120;

/** A server with connections that all want the same messages. */
export class Crowd {
  private constructor(
    private readonly server: ServerProcess,
    private readonly peer: Peer,
    private readonly generator: Generator,
  ) {}

  /** @param says what the clients say instead of what clients of this server usually do. */
  static async gather(
    context: BenchContext,
    kind: PeerKind,
    connections: number,
    says?: Partial<Client>,
  ): Promise<Crowd> {
    const peer = await kind.start(context);
    if ('skipped' in peer) throw new Error(`${kind.name}: ${peer.skipped}`);
    const { server, client } = peer;
    if (!(server instanceof ServerProcess)) throw new Error(`${kind.name} cannot be asked for its event loop`);
    const generator = Generator.start(context.temporary);
    if (!generator) throw new Error('there is no C compiler');
    await generator.open({
      ...client,
      ...says,
      port: server.port,
      connections,
      deadlineSeconds: PATIENCE_SECONDS,
    });
    return new Crowd(server, peer, generator);
  }

  /** Publishes, waits until all have it, publishes the next. */
  async waves(seconds: number): Promise<WavesRound> {
    const close = openWindow(this.server);
    const waves = await this.generator.waves(this.peer.publishing(1), { seconds });
    return { ...waves, cpuPerDelivery: (close().cpu / waves.deliveries) * 1e6 };
  }

  /** Publishes once a second. */
  async everySecond(seconds: number): Promise<SecondsRound> {
    const stop = await watchEventLoop(this.server, 1);
    const paced = await this.generator.paced(this.peer.publishing(1), 1, seconds);
    const delay: EventLoopDelay = await stop();
    return { ...paced, longestDelay: delay.max };
  }

  async end(): Promise<void> {
    await this.generator.stop();
    await this.server.stop();
  }
}

/** Subscribes so many clients of ours, each with a filter that no other has, and that every message meets. */
export function ownFilters(connections: number): readonly Buffer[] {
  const { tags } = points(1)[0] as { tags: Readonly<Record<string, string>> };
  const [name, value] = Object.entries(tags).at(-1)!;
  return Array.from({ length: connections }, (_, index) =>
    clientFrame({
      type: 'subscribe',
      data: { channels: [channelName(0)], tags: { [name]: [value, `other-${index}`] } },
    }),
  );
}
