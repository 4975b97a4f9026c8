import type { Failure, Publication } from '../protocol/index.js';
import type { Audience, Deliveries } from './audience.js';
import type { Connection } from './connection.js';
import type { Delivery } from './delivery.js';

/** Told of a publication that could not be rendered or encoded for somebody. */
export type UnsayableListener = (publication: Publication, error: unknown) => void;

/** Makes of a publication what an audience is sent, and of one that cannot be sent that it failed. */
export class DeliveryMaker {
  readonly #unsayableListeners: UnsayableListener[] = [];
  readonly #replayed = new WeakMap<Publication, Deliveries>();

  onUnsayable(listener: UnsayableListener): void {
    this.#unsayableListeners.push(listener);
  }

  /**
   * What a host collects can turn out to be nothing that can be sent: a circle, a bigint, points that throw. To those
   * who would have got it, it failed; the other audiences don't notice.
   */
  of(audience: Audience<Connection>, publication: Publication, ready: Deliveries): Delivery | undefined {
    try {
      return audience.deliveryOf(publication, ready);
    } catch (error) {
      for (const listener of this.#unsayableListeners) listener(publication, error);
      const { timestamp } = publication.message;
      const failure: Failure = { kind: 'failure', timestamp, filterKey: audience.filterKey };
      return audience.deliveryOf({ ...publication, message: failure }, ready);
    }
  }

  /** Many come back at once after a break: what they all missed is rendered once, as it was the first time. */
  again(audience: Audience<Connection>, publication: Publication): Delivery | undefined {
    let ready = this.#replayed.get(publication);
    if (!ready) this.#replayed.set(publication, (ready = new Map<string, Delivery | undefined>()));
    return this.of(audience, publication, ready);
  }
}
