import { MetricastError } from '../protocol/index.js';
import { networkOf } from './client-addresses.js';

/** Seconds after which somebody may have gone. */
export const RETRY_AFTER = 5;

/** Something that ends. */
interface Ending {
  once(event: 'close', listener: () => void): unknown;
}

/** How many connections each address has open, from the moment that they are let in until their sockets are gone. */
export class AddressRoom {
  readonly #open = new Map<string, number>();

  /** @param limit connections of one address; 0 for no limit. */
  constructor(private readonly limit: number) {}

  /** @throws {@link MetricastError} `connection_limit` where one more would be too many. */
  require(address: string): void {
    if (this.limit === 0 || (this.#open.get(networkOf(address)) ?? 0) < this.limit) return;
    throw new MetricastError('connection_limit', {
      detail: `at most ${this.limit} connections from one address`,
      retryAfter: RETRY_AFTER,
    });
  }

  /** Counts a connection of this address until its stream has ended. */
  hold(address: string, stream: Ending): void {
    if (this.limit === 0) return;
    const network = networkOf(address);
    this.#open.set(network, (this.#open.get(network) ?? 0) + 1);
    stream.once('close', () => this.#release(network));
  }

  #release(network: string): void {
    const left = this.#open.get(network)! - 1;
    if (left > 0) this.#open.set(network, left);
    else this.#open.delete(network);
  }
}
