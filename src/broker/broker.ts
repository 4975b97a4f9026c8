import type { ChannelName, Position, Publication, Publishable, TenantId } from '../protocol/index.js';

export type PublicationListener = (publication: Publication) => void;

/**
 * Carries publications to every instance of the service, numbers them per tenant and channel, and knows how far each
 * channel is.
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

  /** Calls the listener for every publication from now on, in the order of their numbers per channel. */
  onPublication(listener: PublicationListener): void;
}

/** The injection token of the {@link Broker} in use. */
export const BROKER = Symbol('metricast.broker');
