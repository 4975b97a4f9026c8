import { randomUUID } from 'node:crypto';
import type { ChannelName, Position, Publishable, TenantId } from '../protocol/index.js';
import type { Broker, PublicationListener } from './broker.js';

/** Publications that one turn of the event loop delivers: between two turns the sockets write, and readers keep up. */
const MOST_A_TURN = 256;

/** The broker of a single instance: delivers by itself, and forgets its numbers when the process ends. */
export class MemoryBroker implements Broker {
  readonly #epoch = randomUUID();
  readonly #offsets = new Map<TenantId, Map<ChannelName, number>>();
  readonly #listeners: PublicationListener[] = [];
  #lastPublish: Promise<void> = Promise.resolve();

  publish(publications: readonly Publishable[]): Promise<void> {
    // One after the other, or the rest of a long one would come after what was recorded later.
    const published = this.#lastPublish.then(() => this.#publish(publications));
    this.#lastPublish = published.catch(() => undefined);
    return published;
  }

  publishHere(views: readonly Publishable[]): void {
    if (views.length === 0) return;
    const offset = this.#next(views[0]!);
    for (const view of views) this.#deliver(view, offset);
  }

  position(tenant: TenantId, channel: ChannelName): Position {
    return { epoch: this.#epoch, offset: this.#offsets.get(tenant)?.get(channel) ?? 0 };
  }

  onPublication(listener: PublicationListener): void {
    this.#listeners.push(listener);
  }

  async #publish(publications: readonly Publishable[]): Promise<void> {
    for (const [index, publication] of publications.entries()) {
      if (index > 0 && index % MOST_A_TURN === 0) await new Promise(setImmediate);
      this.#deliver(publication, this.#next(publication));
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
