import type { ChannelName, Position, Publication, Publishable, TenantId } from '../protocol/index.js';

export type PublicationListener = (publication: Publication) => void;

/** What was published on some channels since somebody left. */
export interface Missed {
  /** The channels of which all is known that was published since; the others are to begin anew. */
  readonly recovered: ReadonlySet<ChannelName>;
  /** All that was published on those, in the order in which this instance delivered it. */
  readonly publications: readonly Publication[];
}

/**
 * Carries publications to every instance of the service, numbers them per tenant and channel, and knows how far each
 * channel is. Of each channel it keeps the last 300 publications, of at most five minutes; views that share a number
 * count as one.
 */
export interface Broker {
  /** Publishes to every instance, in order. Resolves once the broker has them; delivery follows. */
  publish(publications: readonly Publishable[]): Promise<void>;

  /**
   * Publishes on this instance alone, one number for all of them: the views of one channel at one tick, which every
   * instance collects for its own connections. Resolves once they are delivered.
   */
  publishHere(views: readonly Publishable[]): Promise<void>;

  /** The number of the last publication, and the epoch in which it counts. */
  position(tenant: TenantId, channel: ChannelName): Position;

  /**
   * What was published on channels of a tenant after these positions, up to what was delivered last. A channel whose
   * position is of another epoch, too long ago, too far back, or yet to come is not among the recovered.
   */
  since(tenant: TenantId, positions: ReadonlyMap<ChannelName, Position>): Missed;

  /**
   * Where channels of a tenant stood when this instance delivered the publication of one of them with this position:
   * who got it last, of all of these channels, has got what was published before. A channel of which that is not known
   * is left out.
   */
  positionsAt(
    tenant: TenantId,
    channel: ChannelName,
    position: Position,
    channels: Iterable<ChannelName>,
  ): ReadonlyMap<ChannelName, Position>;

  /** Calls the listener for every publication from now on, in the order of their numbers per channel. */
  onPublication(listener: PublicationListener): void;
}

/** The injection token of the {@link Broker} in use. */
export const BROKER = Symbol('metricast.broker');
