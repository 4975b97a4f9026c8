import { randomUUID } from 'node:crypto';
import type { ChannelName, Millis, Position, Publishable, TenantId } from '../protocol/index.js';
import type { Broker, PublicationListener } from './broker.js';

/** Publications that one turn of the event loop delivers: between two turns the sockets write, and readers keep up. */
const MOST_A_TURN = 256;
/** How long they may take, where each goes to many connections, or each to others and has to be encoded. */
const LONGEST_TURN: Millis = 5;

/** The broker of a single instance: delivers by itself, and forgets its numbers when the process ends. */
export class MemoryBroker implements Broker {
  readonly #epoch = randomUUID();
  readonly #offsets = new Map<TenantId, Map<ChannelName, number>>();
  readonly #listeners: PublicationListener[] = [];
  #lastPublish: Promise<void> = Promise.resolve();

  publish(publications: readonly Publishable[]): Promise<void> {
    return this.#inOrder(publications, (publication) => this.#next(publication));
  }

  publishHere(views: readonly Publishable[]): Promise<void> {
    let offset: number | undefined;
    return this.#inOrder(views, (view) => (offset ??= this.#next(view)));
  }

  position(tenant: TenantId, channel: ChannelName): Position {
    return { epoch: this.#epoch, offset: this.#offsets.get(tenant)?.get(channel) ?? 0 };
  }

  onPublication(listener: PublicationListener): void {
    this.#listeners.push(listener);
  }

  /** One call after the other, or the rest of a long one would come after what was published later. */
  #inOrder(publications: readonly Publishable[], offsetOf: (publication: Publishable) => number): Promise<void> {
    const published = this.#lastPublish.then(() => this.#deliverAll(publications, offsetOf));
    this.#lastPublish = published.catch(() => undefined);
    return published;
  }

  async #deliverAll(
    publications: readonly Publishable[],
    offsetOf: (publication: Publishable) => number,
  ): Promise<void> {
    let [count, begin] = [0, performance.now()];
    for (const publication of publications) {
      if (count === MOST_A_TURN || performance.now() - begin > LONGEST_TURN) {
        await new Promise(setImmediate);
        [count, begin] = [0, performance.now()];
      }
      this.#deliver(publication, offsetOf(publication));
      count++;
    }
  }

  #next({ tenant, channel }: Publishable): number {
    let offsets = this.#offsets.get(tenant);
    if (!offsets) this.#offsets.set(tenant, (offsets = new Map<ChannelName, number>()));
    const offset = (offsets.get(channel) ?? 0) + 1;
    offsets.set(channel, offset);
    return offset;
  }

  #deliver({ tenant, channel, message }: Publishable, offset: number): void {
    const publication = { tenant, channel, message, epoch: this.#epoch, offset };
    for (const listener of this.#listeners) listener(publication);
  }
}
