import { Inject, Injectable } from '@nestjs/common';
import { BROKER, type Broker, type Missed } from '../../broker/index.js';
import type { Connection } from '../../hub/index.js';
import { type ChannelName, type Position, parseCursor } from '../../protocol/index.js';
import { Tenants } from '../../tenants/index.js';

/** What a client asked to begin with: by the positions that it knows, or by the id of what it got last. */
export interface Bookmark {
  readonly recover?: ReadonlyMap<string, Position>;
  readonly lastEventId?: string;
}

/** Where a connection goes on that was there before. */
export interface Continuation extends Missed {
  /** The channels on which it is to go on, recovered or not. */
  readonly asked: ReadonlySet<ChannelName>;
}

/** Lets clients that come back go on where they were. */
@Injectable()
export class Resumption {
  constructor(
    private readonly tenants: Tenants,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /**
   * What a connection missed on these channels, by now: to be replayed in the same turn, or something is missed in between.
   * `undefined` where it does not ask.
   */
  continuation(
    { principal: { tenant } }: Connection,
    { recover, lastEventId }: Bookmark,
    channels: readonly ChannelName[],
  ): Continuation | undefined {
    let asked: readonly ChannelName[];
    let positions: ReadonlyMap<ChannelName, Position>;
    if (recover) {
      asked = channels.filter((channel) => recover.has(channel));
      positions = new Map(asked.map((channel) => [channel, recover.get(channel)!]));
    } else if (lastEventId !== undefined) {
      asked = channels;
      const last = parseCursor(lastEventId);
      // One of another channel says nothing of these.
      const isKnown = last && channels.includes(last.channel);
      positions = isKnown ? this.broker.positionsAt(tenant, last.channel, last, channels) : new Map();
    } else {
      return undefined;
    }
    // What is not sent to anybody now is not sent by being replayed.
    const pushed = [...positions].filter(([channel]) => this.tenants.isPushed(tenant, channel));
    return { asked: new Set(asked), ...this.broker.since(tenant, new Map(pushed)) };
  }
}
